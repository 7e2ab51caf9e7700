"""Carries the requests of Stripe's library over connections that keep to the deadline of each call."""

from collections.abc import Mapping
from typing import Any

import stripe
from requests.structures import CaseInsensitiveDict

from bookings.gateways.http import CONNECT_SECONDS, POOL_SIZE
from notifications.transport.http import PooledSession, header_lines


class PooledHttpClient(stripe.HTTPClient):
    """One pool of connections to the server at `url`. The library repeats what failed, under its idempotency key."""

    name = "pooled"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._session = PooledSession(url, pool_size=POOL_SIZE, connect_seconds=CONNECT_SECONDS)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """The answer's body, status and headers. Raises stripe.APIConnectionError."""
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = self._session.call(
                method.upper(), url.removeprefix(self._url), head=header_lines(headers or {}), body=body
            )
        except OSError as error:
            words = f"No answer: {type(error).__name__}."
            raise stripe.APIConnectionError(words, should_retry=True) from error  # type: ignore[no-untyped-call]
        return answer.body, answer.status, CaseInsensitiveDict(answer.headers)

    def close(self) -> None:
        self._session.close()
