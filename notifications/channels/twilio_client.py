"""Carries the requests of Twilio's client over connections that keep to the deadline of each send.

The client hands over the same few headers with each request; they are put together once.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from requests.auth import _basic_auth_str
from requests.utils import requote_uri
from twilio.http import HttpClient
from twilio.http.response import Response

from notifications.channels.http import ProviderSession, answered_at
from notifications.transport.http import header_lines

API_URL = "https://api.twilio.com"
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)  # of an answer's traps in its JSON
MOST_HEADS = 16  # that are kept: one for each method and login


class PooledHttpClient(HttpClient):  # type: ignore[misc]
    """One pool of connections, without retries; with `api_url` set, to that server instead of Twilio's."""

    def __init__(self, api_url: str) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._session = ProviderSession(api_url or API_URL)
        self._last = threading.local()

    @property
    def retry_after(self) -> str | None:
        """The header Retry-After of this thread's last answer; the client's exceptions do not carry it."""
        header: str | None = getattr(self._last, "retry_after", None)
        return header

    @property
    def answered_at(self) -> datetime:
        """When this thread's last answer was made, by the server's clock; by ours where it did not say."""
        return answered_at(getattr(self._last, "date", None))

    def request(  # noqa: PLR0917  (the signature is Twilio's)
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        **_: Any,
    ) -> Response:
        """Raises OSError."""
        path = _path(url.removeprefix(API_URL))
        if params:
            path = f"{path}?{urlencode(params, doseq=True)}"
        answer = self._session.call(
            method,
            path,
            head=_head(tuple(headers.items()), auth),
            body=urlencode(data, doseq=True).encode("ascii") if data else b"",
        )
        self._last.retry_after = answer.headers.get("retry-after")
        self._last.date = answer.headers.get("date")
        return Response(answer.status, answer.body.decode(errors="replace"), answer.headers)

    def close(self) -> None:
        self._session.close()


@lru_cache(MOST_HEADS)
def _path(text: str) -> str:
    """`text` with what may not stand in a path quoted: an identifier in it came from outside."""
    quoted: str = requote_uri(text)
    return quoted


@lru_cache(MOST_HEADS)
def _head(headers: tuple[tuple[str, str], ...], auth: tuple[str, str] | None) -> bytes:
    login: Mapping[str, str] = {"Authorization": _basic_auth_str(*auth)} if auth else {}
    return header_lines({**dict(headers), **login})
