"""The sandbox gateway's webhooks to a shop: signed events, in the background or on request."""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from bookings.gateways.signing import sign_body
from bookings.sandbox.ledger import Payment

TIMEOUT_SECONDS = 30.0
PAUSES_SECONDS = (0.0, 1.0, 5.0)  # before each try to tell what nobody asked for
SIGNATURE_HEADER = "X-Sandbox-Signature"


def event_of(payment: Payment, *, event_id: str = "", type: str = "") -> dict[str, str]:  # noqa: A002  (the event's word)
    """The event that reports a payment. It is the same however often it is sent."""
    return {
        "id": event_id or f"evt_{payment.id}",
        "type": type or f"payment.{payment.state}",
        "order_id": payment.order_id,
        "payment_id": payment.id,
    }


def event_of_refund(refund: dict[str, Any]) -> dict[str, str]:
    """The event that reports a refund's state."""
    return {
        "id": f"evt_{refund['id']}_{refund['state']}",
        "type": "refund.updated",
        "payment_id": refund["payment_id"],
        "refund_id": refund["id"],
    }


class Webhooks:
    """Sends events to shops. `url` gets every payment; empty: none."""

    def __init__(self, secret: bytes, *, url: str = "") -> None:
        self.url = url
        self._secret = secret
        self._telling: set[asyncio.Task[None]] = set()

    def tell_soon(self, event: dict[str, str]) -> None:
        """Send in the background, and try again after a failure."""
        if self.url:
            task = asyncio.create_task(self._tell_until_heard(event, url=self.url))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def tell(self, event: dict[str, str], *, url: str) -> tuple[int, Any]:
        """Post the event. Returns the status and text of the shop's answer; 0 if there was none."""
        body = json.dumps(event).encode()
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: sign_body(self._secret, body)}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            return 0, str(error)

    async def close(self, _: web.Application) -> None:
        """Send nothing more."""
        for task in list(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _tell_until_heard(self, event: dict[str, str], *, url: str) -> None:
        for pause in PAUSES_SECONDS:
            await asyncio.sleep(pause)
            status, _ = await self.tell(event, url=url)
            if 200 <= status < 300:
                return
