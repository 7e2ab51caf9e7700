"""Carries the requests of Twilio's client over connections that keep to the deadline of each send."""

import logging
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from twilio.http import HttpClient
from twilio.http.response import Response

from notifications.channels.http import ProviderSession

API_URL = "https://api.twilio.com"
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)  # of an answer's traps in its JSON


class PooledHttpClient(HttpClient):  # type: ignore[misc]
    """One pool of connections, without retries; with `api_url` set, to that server instead of Twilio's."""

    def __init__(self, api_url: str) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._api_url = api_url
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
        try:
            moment = parsedate_to_datetime(getattr(self._last, "date", None) or "")
        except ValueError:
            return datetime.now(UTC)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

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
        if self._api_url and url.startswith(f"{API_URL}/"):
            url = self._api_url + url.removeprefix(API_URL)
        answer = self._session.send(requests.Request(method, url, params=params, data=data, headers=headers, auth=auth))
        self._last.retry_after = answer.headers.get("Retry-After")
        self._last.date = answer.headers.get("Date")
        return Response(answer.status_code, answer.content.decode(errors="replace"), dict(answer.headers))

    def close(self) -> None:
        self._session.close()
