"""Razorpay's client: the orders API, and payments that are captured at once (razorpay.com/docs/api).

By `requests` rather than Razorpay's own library, which sets no time limits, brings its own list of certificate
authorities, and prints errors to the standard output. Both of its signatures are one HMAC-SHA256: signing.py.
"""

import re
from collections.abc import Mapping
from typing import Any

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

ORDER_ID = re.compile(r"order_[A-Za-z0-9]{1,60}")  # without "|": "order_A|pay_B" would shift what is signed
PAYMENT_ID = re.compile(r"pay_[A-Za-z0-9]{1,60}")
REFUND_ID = re.compile(r"rfnd_[A-Za-z0-9]{1,60}")
EVENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
KINDS = {
    "payment.captured": EventKind.PAID,
    "order.paid": EventKind.PAID,
    "payment.failed": EventKind.FAILED,
    "refund.created": EventKind.REFUND,
    "refund.processed": EventKind.REFUND,
    "refund.failed": EventKind.REFUND,
    "refund.speed_changed": EventKind.REFUND,
}
STATES = {
    "created": PaymentState.CREATED,
    "authorized": PaymentState.AUTHORIZED,
    "captured": PaymentState.CAPTURED,
    "refunded": PaymentState.REFUNDED,  # in full; after a part of it, the payment is still captured
    "failed": PaymentState.FAILED,
}
REFUND_STATES = {
    "pending": RefundState.PENDING,
    "processed": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
}
# A payment that the bank confirms within so many minutes is captured; a later one Razorpay gives back by itself.
CAPTURE_MINUTES = 60
CAPTURE = {
    "capture": "automatic",
    "capture_options": {
        "automatic_expiry_period": CAPTURE_MINUTES,
        "manual_expiry_period": CAPTURE_MINUTES,
        "refund_speed": "normal",
    },
}


class RazorpayGateway(Gateway):
    """Talks to Razorpay, or to what stands in its place at `url`; `timeout` in seconds, for a whole call."""

    name = "razorpay"

    def __init__(self, url: str, *, key_id: str, key_secret: str, webhook_secret: str, timeout: float) -> None:
        self._key_id = key_id
        self._key_secret = key_secret.encode()
        self._webhook_secret = webhook_secret.encode()
        self._api = JsonApi(url, timeout=timeout, auth=(key_id, key_secret))

    def create_order(self, *, reference: str, amount: int, currency: str) -> GatewayOrder:
        wish = {"amount": amount, "currency": currency, "receipt": reference, "payment": CAPTURE}
        order_id = text(self._api.post("/v1/orders", wish), "id")
        return GatewayOrder(order_id, self.checkout(order_id))

    def checkout(self, order_id: str) -> dict[str, Any]:
        return {"name": self.name, "key_id": self._key_id, "order_id": order_id}

    def has_signed(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        if not (ORDER_ID.fullmatch(order_id) and PAYMENT_ID.fullmatch(payment_id)):
            return False
        return is_same(signature, sign(self._key_secret, order_id, payment_id))

    def fetch_payment(self, payment_id: str) -> GatewayPayment:
        if not PAYMENT_ID.fullmatch(payment_id):
            return NO_PAYMENT
        try:
            return _payment(self._api.get(f"/v1/payments/{payment_id}"))
        except Missing:
            return NO_PAYMENT

    def payments_of(self, order_id: str) -> list[GatewayPayment]:
        if not ORDER_ID.fullmatch(order_id):
            return []
        try:
            answer = self._api.get(f"/v1/orders/{order_id}/payments")
        except Missing:
            return []
        return [_payment(item) for item in listed(answer, "items")]

    def refund(self, *, payment_id: str, amount: int, idempotency_key: str) -> GatewayRefund:
        key = f"{payment_id}-{idempotency_key}"  # Razorpay wants at least ten characters
        body = {"amount": amount, "speed": "normal", "receipt": key}
        path = f"/v1/payments/{payment_id}/refund"
        return _refund(self._api.post(path, body, headers={"X-Refund-Idempotency": key}))

    def fetch_refund(self, refund_id: str, *, payment_id: str) -> GatewayRefund:
        if not (REFUND_ID.fullmatch(refund_id) and PAYMENT_ID.fullmatch(payment_id)):
            return GatewayRefund(refund_id, RefundState.UNKNOWN)
        try:
            return _refund(self._api.get(f"/v1/payments/{payment_id}/refunds/{refund_id}"))
        except Missing:
            return GatewayRefund(refund_id, RefundState.UNKNOWN)

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """The event's id is a header that is not signed: it only decides whether an event is looked at again."""
        signature = headers.get("X-Razorpay-Signature", "")
        if not (self._webhook_secret and is_same(signature, sign_body(self._webhook_secret, body))):
            raise InvalidSignature
        told = an_object(body)
        event_id = headers.get("X-Razorpay-Event-Id", "")
        if not EVENT_ID.fullmatch(event_id):
            raise UnreadableEvent("The header x-razorpay-event-id is missing or malformed.")
        kind = KINDS.get(str(told.get("event")), EventKind.OTHER)
        if kind is EventKind.OTHER:
            return GatewayEvent(event_id, kind)
        if kind is EventKind.REFUND:
            payment_id, refund_id = _ids_of_refund(told)
            return GatewayEvent(event_id, kind, payment_id=payment_id, refund_id=refund_id)
        return GatewayEvent(event_id, kind, *_ids(told))


def _ids(told: Mapping[str, Any]) -> tuple[str, str]:
    """The ids of the order and of the payment that an event is about. Raises UnreadableEvent."""
    try:
        entity = told["payload"]["payment"]["entity"]
        order_id, payment_id = str(entity["order_id"]), str(entity["id"])
    except (KeyError, TypeError) as error:
        raise UnreadableEvent("The event does not name its payment.") from error
    if not PAYMENT_ID.fullmatch(payment_id):
        raise UnreadableEvent("The payment's id is malformed.")
    return order_id if ORDER_ID.fullmatch(order_id) else "", payment_id  # a payment link's has no order: not ours


def _ids_of_refund(told: Mapping[str, Any]) -> tuple[str, str]:
    """The ids of the payment and of the refund that an event is about. Raises UnreadableEvent."""
    try:
        entity = told["payload"]["refund"]["entity"]
        payment_id, refund_id = str(entity["payment_id"]), str(entity["id"])
    except (KeyError, TypeError) as error:
        raise UnreadableEvent("The event does not name its refund.") from error
    if not (PAYMENT_ID.fullmatch(payment_id) and REFUND_ID.fullmatch(refund_id)):
        raise UnreadableEvent("The id of the refund or of its payment is malformed.")
    return payment_id, refund_id


def _payment(answer: Mapping[str, Any]) -> GatewayPayment:
    return GatewayPayment(
        payment_id=text(answer, "id"),
        order_id=str(answer.get("order_id") or ""),
        state=STATES.get(text(answer, "status"), PaymentState.UNKNOWN),
        amount=whole(answer, "amount"),
        currency=text(answer, "currency"),
    )


def _refund(answer: Mapping[str, Any]) -> GatewayRefund:
    """Razorpay says of a failed one no more than that it failed."""
    state = REFUND_STATES.get(str(answer.get("status")), RefundState.UNKNOWN)
    reason = "The bank did not take it." if state is RefundState.FAILED else ""
    return GatewayRefund(text(answer, "id"), state, reason)
