"""The sandbox gateway's client: real HTTP to the local service in bookings/sandbox."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bookings.errors import InvalidSignature
from bookings.gateways.base import (
    NO_PAYMENT,
    EventKind,
    Gateway,
    GatewayEvent,
    GatewayOrder,
    GatewayPayment,
    GatewayRefund,
    PaymentState,
    RefundState,
    UnreadableEvent,
)
from bookings.gateways.http import JsonApi, Missing, an_object, listed, text, whole
from bookings.gateways.signing import is_same, sign, sign_body

AN_ID = re.compile(r"[A-Za-z0-9_]{1,100}")  # without "|", which separates the two ids that are signed
SIGNATURE_HEADER = "X-Sandbox-Signature"
STATES = {state.value: state for state in PaymentState}
REFUND_STATES = {state.value: state for state in RefundState}
KINDS = {
    "payment.captured": EventKind.PAID,
    "payment.failed": EventKind.FAILED,
    "refund.updated": EventKind.REFUND,
}


class SandboxGateway(Gateway):
    """Talks to the gateway at `url`; `timeout` is the longest that a call may take, in seconds."""

    name = "sandbox"

    def __init__(self, url: str, *, secret: str, timeout: float) -> None:
        self._secret = secret.encode()
        self._api = JsonApi(url, timeout=timeout, is_local=True, headers={"Authorization": f"Bearer {secret}"})

    def create_order(self, *, reference: str, amount: int, currency: str) -> GatewayOrder:
        answer = self._api.post("/v1/orders", {"reference": reference, "amount": amount, "currency": currency})
        order_id = text(answer, "id")
        return GatewayOrder(order_id, self.checkout(order_id))

    def checkout(self, order_id: str) -> dict[str, Any]:
        return {"name": self.name, "pay_url": f"{self._api.url}/v1/orders/{order_id}/pay"}

    def has_signed(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        if not (AN_ID.fullmatch(order_id) and AN_ID.fullmatch(payment_id)):
            return False
        return is_same(signature, sign(self._secret, order_id, payment_id))

    def fetch_payment(self, payment_id: str) -> GatewayPayment:
        try:
            return _payment(self._api.get(f"/v1/payments/{quote(payment_id, safe='')}"))
        except Missing:
            return NO_PAYMENT

    def payments_of(self, order_id: str) -> list[GatewayPayment]:
        try:
            answer = self._api.get(f"/v1/orders/{quote(order_id, safe='')}/payments")
        except Missing:
            return []
        return [_payment(item) for item in listed(answer, "items")]

    def refund(self, *, payment_id: str, amount: int, idempotency_key: str) -> GatewayRefund:
        key = f"{payment_id}-{idempotency_key}"
        body = {"payment_id": payment_id, "amount": amount, "idempotency_key": key}
        return _refund(self._api.post("/v1/refunds", body))

    def fetch_refund(self, refund_id: str, *, payment_id: str) -> GatewayRefund:
        try:
            return _refund(self._api.get(f"/v1/refunds/{quote(refund_id, safe='')}"))
        except Missing:
            return GatewayRefund(refund_id, RefundState.UNKNOWN)

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        if not is_same(headers.get(SIGNATURE_HEADER, ""), sign_body(self._secret, body)):
            raise InvalidSignature
        told = an_object(body)
        kind = KINDS.get(str(told.get("type")), EventKind.OTHER)
        named = ("id", "payment_id", "refund_id" if kind is EventKind.REFUND else "order_id")
        ids = [str(told.get(field, "")) for field in named]
        if not all(AN_ID.fullmatch(each) for each in ids):
            raise UnreadableEvent("An id is missing or malformed.")
        event_id, payment_id, other = ids
        if kind is EventKind.REFUND:
            return GatewayEvent(event_id, kind, payment_id=payment_id, refund_id=other)
        return GatewayEvent(event_id, kind, order_id=other, payment_id=payment_id)


def _payment(answer: Mapping[str, Any]) -> GatewayPayment:
    return GatewayPayment(
        payment_id=text(answer, "id"),
        order_id=text(answer, "order_id"),
        state=STATES.get(text(answer, "state"), PaymentState.UNKNOWN),
        amount=whole(answer, "amount"),
        currency=text(answer, "currency"),
    )


def _refund(answer: Mapping[str, Any]) -> GatewayRefund:
    state = REFUND_STATES.get(str(answer.get("state")), RefundState.UNKNOWN)
    return GatewayRefund(text(answer, "id"), state, str(answer.get("reason") or ""))
