"""Stripe's client, by its own library: an order is a PaymentIntent, and so is its payment (docs.stripe.com/payments).

An intent succeeds once at most, so its id is the order's and the payment's; a client may name the charge as well.
The proof that a client sends as `signature` is the intent's client secret, which Stripe hands the payer alone; it is
compared with what Stripe says when asked.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe

from bookings.errors import GatewayUnavailable, InvalidSignature, RefusedByGateway
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
    assert_no_transaction,
)
from bookings.gateways.http import REFUSALS, Missing, an_object, text, whole
from bookings.gateways.signing import is_same
from bookings.gateways.stripe_client import PooledHttpClient
from notifications.policy.currencies import minor_digits
from notifications.transport.deadline import Deadline

INTENT_ID = re.compile(r"pi_[A-Za-z0-9]{1,90}")
CHARGE_ID = re.compile(r"(ch|py)_[A-Za-z0-9]{1,90}")
REFUND_ID = re.compile(r"(re|pyr)_[A-Za-z0-9_]{1,90}")
EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,90}")
RETRIES = 1  # the library's own, under one idempotency key: nothing is done twice
TOLERANCE_SECONDS = 300  # how old a webhook's signature may be; the library takes 0 for "any age"
KINDS = {
    "payment_intent.succeeded": EventKind.PAID,
    "payment_intent.payment_failed": EventKind.FAILED,
    "refund.created": EventKind.REFUND,
    "refund.updated": EventKind.REFUND,
    "refund.failed": EventKind.REFUND,
    "charge.refund.updated": EventKind.REFUND,
}
STATES = {
    "requires_payment_method": PaymentState.CREATED,  # or failed, if there is an error to tell of
    "requires_confirmation": PaymentState.CREATED,
    "requires_action": PaymentState.CREATED,
    "processing": PaymentState.CREATED,
    "requires_capture": PaymentState.AUTHORIZED,
    "succeeded": PaymentState.CAPTURED,  # or refunded
    "canceled": PaymentState.FAILED,
}
REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.REQUIRES_ACTION,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.CANCELED,
}
# Where Stripe's decimals are not ISO 4217's (docs.stripe.com/currencies#zero-decimal, #special-cases).
DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}

log = logging.getLogger(__name__)


class StripeGateway(Gateway):
    """Talks to Stripe, or to what stands in its place at `url`; `timeout` in seconds, for a call and its repetition."""

    name = "stripe"
    asks_about_signatures = True

    def __init__(self, url: str, *, secret_key: str, webhook_secret: str, timeout: float) -> None:
        self._webhook_secret = webhook_secret
        self._timeout = timeout
        self._stripe = stripe.StripeClient(
            secret_key,
            base_addresses={"api": url.rstrip("/")},
            http_client=PooledHttpClient(url.rstrip("/")),
            max_network_retries=RETRIES,
        ).v1

    def create_order(self, *, reference: str, amount: int, currency: str) -> GatewayOrder:
        with self._calling():
            intent = self._stripe.payment_intents.create(
                {
                    "amount": _in_its_units(amount, currency),
                    "currency": currency.lower(),
                    "metadata": {"reference": reference},
                }
            ).to_dict()
        return GatewayOrder(text(intent, "id"), _checkout(intent))

    def checkout(self, order_id: str) -> dict[str, Any]:
        """Asks Stripe: the client secret is kept nowhere else."""
        try:
            return _checkout(self._intent(order_id))
        except Missing as error:
            raise GatewayUnavailable from error

    def has_signed(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        if not (INTENT_ID.fullmatch(order_id) and (payment_id == order_id or CHARGE_ID.fullmatch(payment_id))):
            return False
        try:
            return is_same(signature, text(self._intent(order_id), "client_secret"))
        except Missing:
            return False

    def fetch_payment(self, payment_id: str) -> GatewayPayment:
        try:
            if CHARGE_ID.fullmatch(payment_id):
                with self._calling(may_be_missing=True):
                    payment_id = str(self._stripe.charges.retrieve(payment_id).payment_intent)
            return _payment(self._intent(payment_id)) if INTENT_ID.fullmatch(payment_id) else NO_PAYMENT
        except Missing:
            return NO_PAYMENT

    def payments_of(self, order_id: str) -> list[GatewayPayment]:
        payment = self.fetch_payment(order_id)
        return [] if payment is NO_PAYMENT else [payment]

    def refund(self, *, payment_id: str, amount: int, idempotency_key: str) -> GatewayRefund:
        payment = self.fetch_payment(payment_id)
        with self._calling():
            refund = self._stripe.refunds.create(
                {"payment_intent": payment_id, "amount": _in_its_units(amount, payment.currency)},
                {"idempotency_key": f"{payment_id}-{idempotency_key}"},
            )
        return _refund(refund.to_dict())

    def fetch_refund(self, refund_id: str, *, payment_id: str) -> GatewayRefund:
        if not REFUND_ID.fullmatch(refund_id):
            return GatewayRefund(refund_id, RefundState.UNKNOWN)
        try:
            with self._calling(may_be_missing=True):
                return _refund(self._stripe.refunds.retrieve(refund_id).to_dict())
        except Missing:
            return GatewayRefund(refund_id, RefundState.UNKNOWN)

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        self._check_signature(body, headers.get("Stripe-Signature", ""))
        told = an_object(body)
        event_id = str(told.get("id"))
        if not EVENT_ID.fullmatch(event_id):
            raise UnreadableEvent("The event's id is missing or malformed.")
        kind = KINDS.get(str(told.get("type")), EventKind.OTHER)
        if kind is EventKind.OTHER:
            return GatewayEvent(event_id, kind)
        try:
            about = told["data"]["object"]
            about_id, intent_id = str(about["id"]), _id_of(about.get("payment_intent"))
        except (KeyError, TypeError, AttributeError) as error:
            raise UnreadableEvent("The event does not name its payment intent or refund.") from error
        if not (REFUND_ID if kind is EventKind.REFUND else INTENT_ID).fullmatch(about_id):
            raise UnreadableEvent("The id of the payment intent or refund is malformed.")
        if kind is EventKind.REFUND:  # one that was made of a charge may name no intent
            return GatewayEvent(event_id, kind, payment_id=intent_id, refund_id=about_id)
        return GatewayEvent(event_id, kind, order_id=about_id, payment_id=about_id)

    def _check_signature(self, body: bytes, header: str) -> None:
        """By the library. It would raise TypeError for what is not ASCII, and reads the body before it checks."""
        if not (self._webhook_secret and header.isascii()):
            raise InvalidSignature
        try:
            payload = body.decode()
        except UnicodeDecodeError as error:
            raise UnreadableEvent("The body is not UTF-8 text.") from error
        try:
            stripe.WebhookSignature.verify_header(payload, header, self._webhook_secret, TOLERANCE_SECONDS)
        except stripe.SignatureVerificationError as error:
            raise InvalidSignature from error

    def _intent(self, intent_id: str) -> dict[str, Any]:
        """Raises Missing, GatewayUnavailable."""
        with self._calling(may_be_missing=True):
            return self._stripe.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}).to_dict()

    @contextmanager
    def _calling(self, *, may_be_missing: bool = False) -> Iterator[None]:
        """A call to Stripe, whose errors become GatewayUnavailable, or Missing where it may be."""
        assert_no_transaction()
        try:
            with Deadline.after(self._timeout).enforced():
                yield
        except stripe.StripeError as error:
            if may_be_missing and error.http_status == 404:
                raise Missing from error
            if error.http_status is not None:
                log.error("Stripe refused a call: %s %.500s", error.http_status, error)  # noqa: TRY400  (it says enough)
            if error.http_status in REFUSALS:
                raise RefusedByGateway(str(error)) from error
            raise GatewayUnavailable from error


def _id_of(intent: object) -> str:
    """The id of a payment intent that an event names, or has in full; empty if it is none."""
    intent_id = str(intent.get("id") if isinstance(intent, dict) else intent)
    return intent_id if INTENT_ID.fullmatch(intent_id) else ""


def _in_its_units(amount: int, currency: str) -> int:
    """`amount`, in ISO 4217's minor units, as Stripe counts it. Raises RefusedByGateway for a fraction."""
    shift = minor_digits(currency) - DIGITS.get(currency, minor_digits(currency))
    units, rest = divmod(amount * int(10 ** max(-shift, 0)), int(10 ** max(shift, 0)))
    if rest:
        raise RefusedByGateway(f"Stripe takes no fractions of {currency}.")
    return units


def _in_minor_units(units: int, currency: str) -> int:
    """What Stripe counts as `units`, in ISO 4217's minor units."""
    shift = minor_digits(currency) - DIGITS.get(currency, minor_digits(currency))
    return units * int(10 ** max(shift, 0)) // int(10 ** max(-shift, 0))


def _checkout(intent: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": StripeGateway.name, "client_secret": text(intent, "client_secret")}


def _payment(intent: Mapping[str, Any]) -> GatewayPayment:
    currency = text(intent, "currency").upper()
    state = _state(intent)
    was_paid = state in (PaymentState.CAPTURED, PaymentState.REFUNDED) and "amount_received" in intent
    return GatewayPayment(
        payment_id=text(intent, "id"),
        order_id=text(intent, "id"),
        state=state,
        amount=_in_minor_units(whole(intent, "amount_received" if was_paid else "amount"), currency),
        currency=currency,
    )


def _state(intent: Mapping[str, Any]) -> PaymentState:
    state = STATES.get(text(intent, "status"), PaymentState.UNKNOWN)
    charge = intent.get("latest_charge")
    if state is PaymentState.CAPTURED and isinstance(charge, dict) and charge.get("refunded"):
        return PaymentState.REFUNDED
    # With a new card, or one that the bank is asking about, another try is under way: the error is of the one before.
    if intent["status"] == "requires_payment_method" and intent.get("last_payment_error"):
        return PaymentState.FAILED
    return state


def _refund(answer: Mapping[str, Any]) -> GatewayRefund:
    state = REFUND_STATES.get(str(answer.get("status")), RefundState.UNKNOWN)
    return GatewayRefund(text(answer, "id"), state, str(answer.get("failure_reason") or ""))
