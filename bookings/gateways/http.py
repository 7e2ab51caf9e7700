"""A gateway's JSON API over HTTP: pooled connections, a total time limit for each call, and one error for all failures.

A call is repeated once if the gateway certainly did not act on it: the connection was refused, or a GET was answered
with 502, 503 or 504. A call whose answer was lost is not repeated: its time is up, and the gateway may have acted.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from requests.auth import _basic_auth_str
from requests.utils import requote_uri

from bookings.errors import GatewayUnavailable, RefusedByGateway
from bookings.gateways.base import UnreadableEvent, assert_no_transaction
from notifications.transport.deadline import Deadline
from notifications.transport.exchange import Answer
from notifications.transport.http import PooledSession, header_lines

LONGEST_RETRY_AFTER_SECONDS = 3600
CONNECT_SECONDS = 2.0  # for each address of a host: a customer waits
POOL_SIZE = 64  # connections kept alive; more are opened when needed and closed after use
REFUSALS = (400, 402, 404, 422)  # what was asked for is at fault: not our key, not the moment
OVERLOADED = (502, 503, 504)  # a proxy's words: the gateway itself was not reached, or does not read now

log = logging.getLogger(__name__)


class Missing(Exception):
    """The gateway has nothing of this name."""


class JsonApi:
    """The API at `url`; `timeout` is the longest that a call may take, in seconds."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        is_local: bool = False,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        login = {"Authorization": _basic_auth_str(*auth)} if auth else {}
        self._head = header_lines({"User-Agent": "bookings", "Accept": "application/json", **login, **(headers or {})})
        self._session = PooledSession(self.url, pool_size=POOL_SIZE, connect_seconds=CONNECT_SECONDS, is_local=is_local)

    def get(self, path: str) -> dict[str, Any]:
        """Raises Missing, GatewayUnavailable."""
        answer = self._ask("GET", path, head=self._head)
        # Razorpay says it with a 400, in words.
        if answer.status == 404 or (answer.status == 400 and b"does not exist" in answer.body):
            raise Missing
        return self._usable(answer, f"GET {path}")

    def post(self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Raises GatewayUnavailable, RefusedByGateway."""
        head = self._head + header_lines({"Content-Type": "application/json", **(headers or {})})
        answer = self._ask("POST", path, head=head, body=json.dumps(body, allow_nan=False).encode())
        return self._usable(answer, f"POST {path}")

    def _ask(self, method: str, path: str, *, head: bytes, body: bytes = b"") -> Answer:
        assert_no_transaction()
        path = requote_uri(path)
        try:
            with Deadline.after(self._timeout).enforced() as transmission:
                try:
                    answer = self._session.call(method, path, head=head, body=body)
                except OSError:
                    if transmission.has_begun:
                        raise
                else:
                    if method != "GET" or answer.status not in OVERLOADED:
                        return answer
                return self._session.call(method, path, head=head, body=body)
        except OSError as error:
            raise GatewayUnavailable from error

    def _usable(self, answer: Answer, asked: str) -> dict[str, Any]:
        if not 200 <= answer.status < 300:
            words = answer.body.decode(errors="replace")
            log.error("The gateway %s refused %s: %s %.500s", self.url, asked, answer.status, words)
            if answer.status in REFUSALS:
                raise RefusedByGateway(words)
            raise GatewayUnavailable(**_retry_after(answer))
        try:
            return an_object(answer.body)
        except UnreadableEvent as error:
            raise GatewayUnavailable from error


def an_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises UnreadableEvent."""
    try:
        decoded = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise UnreadableEvent("The body is not JSON that can be read.") from error
    if not isinstance(decoded, dict):
        raise UnreadableEvent("The body is not a JSON object.")
    return decoded


def text(answer: Mapping[str, Any], field: str) -> str:
    """The text in `field` of a gateway's answer. Raises GatewayUnavailable: an answer without it is of no use."""
    value = answer.get(field)
    if not isinstance(value, str) or not value:
        raise GatewayUnavailable
    return value


def whole(answer: Mapping[str, Any], field: str) -> int:
    """The whole number in `field` of a gateway's answer. Raises GatewayUnavailable."""
    value = answer.get(field)
    if not isinstance(value, int) or isinstance(value, bool):
        raise GatewayUnavailable
    return value


def listed(answer: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """The objects listed in `field` of a gateway's answer. Raises GatewayUnavailable."""
    value = answer.get(field)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise GatewayUnavailable
    return value


def _retry_after(answer: Answer) -> dict[str, int]:
    seconds = answer.headers.get("retry-after", "")
    return {"retry_after": min(int(seconds[:9]), LONGEST_RETRY_AFTER_SECONDS)} if seconds.isdecimal() else {}
