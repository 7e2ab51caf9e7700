"""A gateway's JSON API over HTTP: pooled connections, a total time limit for each call, and one error for all failures.

A call is repeated once if the gateway certainly did not act on it: the connection was refused, or a GET was answered
with 502, 503 or 504. A call whose answer was lost is not repeated: its time is up, and the gateway may have acted.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.util.retry import Retry

from bookings.errors import GatewayUnavailable, RefusedByGateway
from bookings.gateways.base import UnreadableEvent, assert_no_transaction
from notifications.transport.deadline import Deadline
from notifications.transport.http import PooledSession

LONGEST_RETRY_AFTER_SECONDS = 3600
CONNECT_SECONDS = 2.0  # for each address of a host: a customer waits
POOL_SIZE = 64  # connections kept alive; more are opened when needed and closed after use
REFUSALS = (400, 402, 404, 422)  # what was asked for is at fault: not our key, not the moment
ONCE_MORE = Retry(
    total=1,
    read=0,
    other=0,
    allowed_methods={"GET"},
    status_forcelist=(502, 503, 504),
    backoff_factor=0.1,
    raise_on_status=False,
    respect_retry_after_header=False,
)

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
        self._auth = auth
        self._headers = headers or {}
        self._session = PooledSession(
            self.url, pool_size=POOL_SIZE, retries=ONCE_MORE, connect_seconds=CONNECT_SECONDS, is_local=is_local
        )

    def get(self, path: str) -> dict[str, Any]:
        """Raises Missing, GatewayUnavailable."""
        answer = self._ask("GET", path)
        # Razorpay says it with a 400, in words.
        if answer.status_code == 404 or (answer.status_code == 400 and b"does not exist" in answer.content):
            raise Missing
        return _usable(answer)

    def post(self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Raises GatewayUnavailable, RefusedByGateway."""
        return _usable(self._ask("POST", path, json=body, headers=headers))

    def _ask(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        assert_no_transaction()
        request = requests.Request(
            method, self.url + path, json=json, headers={**self._headers, **(headers or {})}, auth=self._auth
        )
        try:
            with Deadline.after(self._timeout).enforced():
                return self._session.send(request)
        except (requests.RequestException, OSError) as error:
            raise GatewayUnavailable from error


def _usable(answer: requests.Response) -> dict[str, Any]:
    if not 200 <= answer.status_code < 300:
        request = answer.request
        log.error("The gateway refused %s %s: %s %.500s", request.method, request.url, answer.status_code, answer.text)
        if answer.status_code in REFUSALS:
            raise RefusedByGateway(answer.text)
        raise GatewayUnavailable(**_retry_after(answer))
    try:
        return an_object(answer.content)
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


def _retry_after(answer: requests.Response) -> dict[str, int]:
    seconds = answer.headers.get("Retry-After", "")
    return {"retry_after": min(int(seconds[:9]), LONGEST_RETRY_AFTER_SECONDS)} if seconds.isdecimal() else {}
