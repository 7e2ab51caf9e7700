"""Sends what providers would send: delivery receipts and incoming messages, signed as each provider signs, on request.

It is off until the control API asks for it. Then each accepted message that names a URL gets its statuses, in order,
each once. A callback that cannot be delivered is dropped. How a call looks is the provider's business (`…_callbacks`).
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import aiohttp

from notifications.sandbox.journal import Attempt

TIMEOUT_SECONDS = 15.0  # https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
MOST_AT_ONCE = 32


class Call(NamedTuple):
    """One signed request to `url`."""

    url: str
    body: bytes
    headers: Mapping[str, str]


Tell = Callable[[Attempt, str], Call | None]  # the call that tells an attempt's status; None: there is nobody to tell
Write = Callable[[str, str, str, str], Call]  # url, sender, to, body


class Callbacks:
    """Posts the callbacks, on the sandbox's event loop."""

    def __init__(self) -> None:
        self.statuses: Sequence[str] = ()
        self.urls: Mapping[str, str] = {}  # of providers whose messages name none
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def follow(self, attempt: Attempt, tell: Tell) -> None:
        """Send the statuses of an accepted message, if requested and if the message names a URL."""
        if self.statuses and tell(attempt, attempt.final_status):
            task = asyncio.get_running_loop().create_task(self._tell(attempt, tell))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def post(self, call: Call) -> int:
        """Make the call; the status of the answer."""
        async with self._at_once:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = self._session or aiohttp.ClientSession()
            async with self._session.post(
                call.url, data=call.body, headers=dict(call.headers), timeout=timeout
            ) as answer:
                await answer.read()
                return answer.status

    async def close(self) -> None:
        for task in list(self._under_way):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    async def _tell(self, attempt: Attempt, tell: Tell) -> None:
        for status in (*self.statuses, attempt.final_status):
            call = tell(attempt, status)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                if call:
                    await self.post(call)
