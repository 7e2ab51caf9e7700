"""Sends what Twilio would send: status callbacks and incoming messages, signed as Twilio signs them, on request.

It is off until the control API asks for it. Then each accepted message that names a StatusCallback gets its statuses,
in order, each once. A callback that cannot be delivered is dropped, as Twilio does.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Any

import aiohttp
from twilio.request_validator import RequestValidator

from notifications.sandbox import ACCOUNT_SID, AUTH_TOKEN
from notifications.sandbox.journal import Attempt

TIMEOUT_SECONDS = 15.0  # https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
MOST_AT_ONCE = 32

_VALIDATOR = RequestValidator(AUTH_TOKEN)


class Callbacks:
    """Posts the callbacks, on the sandbox's event loop."""

    def __init__(self) -> None:
        self.statuses: Sequence[str] = ()
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def follow(self, attempt: Attempt) -> None:
        """Send the statuses of an accepted message, if requested and if the message names a URL."""
        url = (attempt.parameters or {}).get("StatusCallback", "")
        if self.statuses and url:
            task = asyncio.get_running_loop().create_task(self._tell(attempt, url))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def write(self, *, url: str, sender: str, to: str, body: str) -> int:
        """Somebody writes `body` to our number `to`; the status that `url` answers with."""
        sid = f"SM{secrets.token_hex(16)}"
        fields = {"MessageSid": sid, "SmsSid": sid, "From": sender, "To": to, "Body": body, "NumMedia": "0"}
        return await self._post(url, fields)

    async def close(self) -> None:
        for task in list(self._under_way):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    async def _tell(self, attempt: Attempt, url: str) -> None:
        for status in (*self.statuses, attempt.final_status):
            fields = {
                "MessageSid": attempt.sid,
                "SmsSid": attempt.sid,
                "MessageStatus": status,
                "SmsStatus": status,
                "To": attempt.to,
                "From": attempt.sender,
            }
            if status == attempt.final_status and attempt.final_code:
                fields["ErrorCode"] = str(attempt.final_code)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await self._post(url, fields)

    async def _post(self, url: str, fields: dict[str, str]) -> int:
        fields |= {"AccountSid": ACCOUNT_SID, "ApiVersion": "2010-04-01"}
        signature = _VALIDATOR.compute_signature(url, fields)
        async with self._at_once:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = self._session or aiohttp.ClientSession()
            headers: dict[str, Any] = {"X-Twilio-Signature": signature}
            async with self._session.post(url, data=fields, headers=headers, timeout=timeout) as answer:
                await answer.read()
                return answer.status
