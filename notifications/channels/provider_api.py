"""Calls a provider's HTTP API, for channels that need no library of the provider's: JSON or a form in, JSON out.

The calls keep to the deadline of the send under way, over one pool of connections (notifications.transport). Nothing is
repeated and no redirect is followed.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.http import ProviderSession, answered_at
from notifications.content.public_links import public_link
from notifications.lifecycle import Throttled, Transient
from notifications.policy.retry_after import throttled_seconds
from notifications.transport.http import header_lines

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
AT_HOME = ("localhost", "127.0.0.1", "::1")
SENDER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}")  # of SMS: a number, a short code or a name
LEAST_SKEW = 5.0  # seconds: a clock that is wrong by less is right enough, for answers take time

Found = TypeVar("Found")


class Reply(NamedTuple):
    """A provider's answer. `document` is its JSON; None where it has none that can be read.

    `wait`: how many seconds it asks us to wait, or a sane default where it does not say.
    """

    status: int
    document: Any
    wait: float

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def text(self, *path: str) -> str:
        """The text at `path` in the document; empty where there is none."""
        found = self.document
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else ""


class ProviderApi:
    """One provider's API at `base_url`; `headers` go with each call. Use it within `Deadline.enforced`."""

    def __init__(self, base_url: str, *, headers: Mapping[str, str] | None = None) -> None:
        self._session = ProviderSession(base_url)
        self._headers = dict(headers or {})
        self._skew = 0.0

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Raises OSError."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, {}, b"")

    def post_json(self, path: str, document: Any, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Raises OSError."""
        return self._call("POST", path, {"Content-Type": JSON, **(headers or {})}, json.dumps(document).encode())

    def post_form(self, path: str, fields: Mapping[str, str]) -> Reply:
        """Raises OSError."""
        return self._call("POST", path, {"Content-Type": FORM}, urlencode(fields).encode())

    def now(self) -> float:
        """Seconds since 1970 by the provider's clock, as its last answer showed it; by ours before there was one."""
        return time.time() + self._skew

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        head = header_lines({"Accept": JSON, **self._headers, **headers})
        answer = self._session.call(method, path, head=head, body=body)
        there = answered_at(answer.headers.get("date")).timestamp()
        skew = there - time.time()
        self._skew = skew if abs(skew) > LEAST_SKEW else 0.0
        wait = throttled_seconds(answer.headers.get("retry-after"), now=there)
        return Reply(answer.status, _parsed(answer.body), wait)


def ask(look: Callable[[], Found], deadline: Deadline) -> Found | Transient:
    """What `look` finds out from a provider; Transient where it cannot be asked at the moment."""
    with deadline.enforced() as transmission:
        try:
            return look()
        except OSError as error:
            failure = transmission.failure(error)
            return Transient(f"asking_{failure.code}", failure.detail)


def not_told(reply: Reply) -> Transient | Throttled | None:
    """What a question's answer means that is no success. None: there is no such thing, or our key may not read."""
    if reply.status == 429:
        return Throttled("asking_http_429", reply.wait)
    if 400 <= reply.status < 500:
        return None
    return Transient(f"asking_http_{reply.status}")


def unreachable(provider: str, answer: Transient) -> Probe:
    """What a probe tells when `ask` could not ask."""
    return Probe(State.WRONG, f"{provider} cannot be reached: {answer.code.removeprefix('asking_')}.")


def setting(name: str, settings: Any, variable: str) -> str:
    """The setting `variable`. Raises ImproperlyConfigured where it is empty."""
    value = getattr(settings, variable, "")
    if not value or not isinstance(value, str):
        raise ImproperlyConfigured(f"{variable} is not set; the channel {name!r} needs it.")
    return value


def sms_sender(name: str, settings: Any, variable: str) -> str:
    """The setting `variable`, from which SMS come. Raises ImproperlyConfigured for what is no sender."""
    sender = setting(name, settings, variable)
    if not SENDER.fullmatch(sender):
        raise ImproperlyConfigured(f"{variable} must be a number, or at most eleven letters and digits.")
    return sender


def server(settings: Any, variable: str) -> str:
    """The server that stands in for a provider's, without a slash at its end; empty: none does.

    Raises ImproperlyConfigured.
    """
    url: str = getattr(settings, variable, "")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise ImproperlyConfigured(f"{variable} must be http(s)://host or http(s)://host:port.")
    return url.rstrip("/")


def callback_url(view: str, *, is_real: bool) -> str:
    """Our view's public address, for a provider to call; empty where the real provider could not reach it."""
    url = public_link(view)
    host = urlsplit(url).hostname or ""
    return "" if is_real and (host in AT_HOME or host.endswith(".localhost")) else url


def in_path(text: str) -> str:
    """`text`, which may come from outside, as one part of a path."""
    return quote(text, safe="")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
