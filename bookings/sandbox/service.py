"""The sandbox gateway over HTTP: for shops, for paying customers, and to make it fail on request."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from bookings.gateways.signing import sign
from bookings.sandbox.ledger import Ledger, Refused
from bookings.sandbox.webhooks import Webhooks, event_of, event_of_refund

STATES = ("created", "authorized", "captured", "failed")
REFUND_STATES = ("pending", "requires_action", "succeeded", "failed", "canceled")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Mood:
    """How the gateway answers at present: after `delay` seconds, or only with a 503; and the state of new refunds."""

    is_down: bool = False
    delay: float = 0.0
    refund_state: str = "succeeded"


class Service:
    """The gateway's routes over its ledger."""

    def __init__(self, ledger: Ledger, *, secret: str, webhook: str = "") -> None:
        self._ledger = ledger
        self._secret = secret
        self._mood = Mood()
        self._webhooks = Webhooks(secret.encode(), url=webhook)

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application(middlewares=[self._as_json])
        application.on_shutdown.append(self._webhooks.close)
        application.add_routes(
            [
                web.post("/v1/orders", self._for_shops(self._open_order)),
                web.get("/v1/orders/{order}/payments", self._for_shops(self._show_payments)),
                web.get("/v1/payments/{payment}", self._for_shops(self._show_payment)),
                web.post("/v1/refunds", self._for_shops(self._refund)),
                web.get("/v1/refunds/{refund}", self._for_shops(self._show_refund)),
                web.post("/v1/orders/{order}/pay", self._pay),
                web.post("/_sandbox/mood", self._change_mood),
                web.get("/_sandbox/refunds", self._show_refunds),
                web.post("/_sandbox/refunds/{refund}", self._change_refund),
                web.post("/_sandbox/webhook", self._change_webhook),
                web.post("/_sandbox/events", self._tell),
            ]
        )
        return application

    @web.middleware
    async def _as_json(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as error:
            return web.json_response({"error": str(error)}, status=400)
        except web.HTTPError as error:
            return web.json_response({"error": error.text or error.reason}, status=error.status)

    def _for_shops(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(self._mood.delay)
            if self._mood.is_down:
                raise web.HTTPServiceUnavailable(text="The gateway is down.")
            if request.headers.get("Authorization") != f"Bearer {self._secret}":
                raise web.HTTPUnauthorized(text="The bearer token is not this shop's secret.")
            return await handler(request)

        return guarded

    async def _open_order(self, request: web.Request) -> web.Response:
        body = await _body(request)
        amount, currency = _number(body, "amount"), _text(body, "currency")
        order = self._ledger.open_order(reference=_text(body, "reference"), amount=amount, currency=currency)
        return web.json_response({"id": order, "amount": amount, "currency": currency}, status=201)

    async def _show_payment(self, request: web.Request) -> web.Response:
        payment = self._ledger.payment(request.match_info["payment"])
        if payment is None:
            raise web.HTTPNotFound(text="There is no such payment.")
        return web.json_response(asdict(payment))

    async def _show_payments(self, request: web.Request) -> web.Response:
        order = request.match_info["order"]
        if self._ledger.order(order) is None:
            raise web.HTTPNotFound(text="There is no such order.")
        return web.json_response({"items": [asdict(payment) for payment in self._ledger.payments_of(order)]})

    async def _refund(self, request: web.Request) -> web.Response:
        body = await _body(request)
        refund = self._ledger.refund(
            _text(body, "payment_id"),
            amount=_number(body, "amount"),
            idempotency_key=_text(body, "idempotency_key"),
            state=self._mood.refund_state,
        )
        return web.json_response(refund, status=201)

    async def _show_refund(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(self._ledger.refund_of(request.match_info["refund"]))
        except Refused as error:
            raise web.HTTPNotFound(text=str(error)) from None

    async def _change_refund(self, request: web.Request) -> web.Response:
        """`{"state": …}`: the refund comes to that state, and the shop is told of it."""
        state = _refund_state(await _body(request))
        refund = self._ledger.change_refund(request.match_info["refund"], state=state)
        self._webhooks.tell_soon(event_of_refund(refund))
        return web.json_response(refund)

    async def _pay(self, request: web.Request) -> web.Response:
        """A customer pays. `state`, `amount` and `currency` in the body let a test make the payment go wrong."""
        body = await _body(request)
        state = body.get("state", "captured")
        if state not in STATES:
            raise web.HTTPBadRequest(text=f"state must be one of {', '.join(STATES)}.")
        amount = _number(body, "amount") if "amount" in body else None
        currency = _text(body, "currency") if "currency" in body else None
        payment = self._ledger.pay(request.match_info["order"], state=state, amount=amount, currency=currency)
        signature = sign(self._secret.encode(), payment.order_id, payment.id)
        self._webhooks.tell_soon(event_of(payment))
        receipt = {"order_id": payment.order_id, "payment_id": payment.id, "signature": signature}
        return web.json_response(receipt, status=201)

    async def _change_mood(self, request: web.Request) -> web.Response:
        body = await _body(request)
        self._mood = Mood(bool(body.get("down", False)), float(body.get("delay", 0.0)), _refund_state(body))
        return web.json_response(asdict(self._mood))

    async def _change_webhook(self, request: web.Request) -> web.Response:
        """`{"url": …}`: report every payment there from now on. Without a url, report to nobody."""
        self._webhooks.url = str((await _body(request)).get("url") or "")
        return web.json_response({"url": self._webhooks.url})

    async def _tell(self, request: web.Request) -> web.Response:
        """`{"payment_id": …, "url": …}`: tell of a payment now, again perhaps, and answer what the shop answered.

        `event_id` and `type` are the payment's own unless the body has others.
        """
        body = await _body(request)
        payment = self._ledger.payment(_text(body, "payment_id"))
        if payment is None:
            raise web.HTTPNotFound(text="There is no such payment.")
        changes = {name: _text(body, name) for name in ("event_id", "type") if name in body}
        status, answer = await self._webhooks.tell(event_of(payment, **changes), url=_text(body, "url"))
        return web.json_response({"status": status, "answer": answer})

    async def _show_refunds(self, request: web.Request) -> web.Response:
        return web.json_response({"refunds": self._ledger.refunds()})


async def _body(request: web.Request) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    try:
        body = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="The body is not JSON.") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body is not a JSON object.")
    return body


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise web.HTTPBadRequest(text=f"{field} must be text.")
    return value


def _refund_state(body: dict[str, Any]) -> str:
    state: str = body.get("refund_state" if "refund_state" in body else "state", "succeeded")
    if state not in REFUND_STATES:
        raise web.HTTPBadRequest(text=f"A refund's state must be one of {', '.join(REFUND_STATES)}.")
    return state


def _number(body: dict[str, Any], field: str) -> int:
    value = body.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise web.HTTPBadRequest(text=f"{field} must be a whole number of minor units, above 0.")
    return value
