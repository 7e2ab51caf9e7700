"""THE transaction: a payment is verified, and its booking and the messages that follow are written together (G1, G2).

Everything that goes over the network happens before the transaction. Every report of a payment ends here, however often
it comes; the lock on the order's row makes reports run one at a time.
"""

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from bookings import announcements, refunds
from bookings.errors import (
    AmountMismatch,
    BookingError,
    InvalidSignature,
    OrderAlreadyPaid,
    OrderNotFound,
    PaymentNotCaptured,
    SoldOut,
)
from bookings.gateways import GatewayPayment, PaymentState, gateway
from bookings.models import Booking, Order, Payment
from bookings.orders import take_seats
from bookings.transactions import in_transaction

UNDER_WAY = (PaymentState.CREATED, PaymentState.AUTHORIZED, PaymentState.CAPTURED)
MOST_AMOUNT = 2**63 - 1  # that a column holds
CURRENCY = re.compile("[A-Z]{3}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """The payment's booking; `is_new` says whether this call made it."""

    booking: Booking
    is_new: bool


def verify(*, user: User, order_id: str, payment_id: str, signature: str, now: datetime | None = None) -> Verified:
    """Turn a payment that the gateway signed into its booking, once.

    Raises, with nothing written: InvalidSignature, OrderNotFound, PaymentNotCaptured, GatewayUnavailable. Raises, with
    the payment and its refund on record: SoldOut, OrderAlreadyPaid; with the payment on record, for staff to decide:
    AmountMismatch.
    """
    if gateway().asks_about_signatures:
        _order_of(user, order_id)  # no gateway is asked about an order that is not this customer's
    if not gateway().has_signed(order_id=order_id, payment_id=payment_id, signature=signature):
        raise InvalidSignature
    order = _order_of(user, order_id)
    if recorded := _recorded(order, payment_id):
        return _answer(_what_came_of(recorded))
    payment = gateway(order.gateway).fetch_payment(payment_id)
    return confirm(order, payment, now=now or timezone.now())


def look_at(order: Order, payment_id: str, *, now: datetime) -> Verified:
    """Turn a payment that an event names into its booking, once; tell the customer of one that failed.

    The event may be stale, so the gateway is asked for the current state. Raises what `verify` does.
    """
    if recorded := _recorded(order, payment_id):
        return _answer(_what_came_of(recorded))
    payment = gateway(order.gateway).fetch_payment(payment_id)
    has_failed = payment.state is PaymentState.FAILED and payment.order_id == order.gateway_order_id
    if has_failed and not _is_tried_again(order, payment):
        in_transaction(lambda: _tell_of_failure(order, payment, now=now))
    return confirm(order, payment, now=now)


def confirm(order: Order, payment: GatewayPayment, *, now: datetime) -> Verified:
    """Write down a payment, as the gateway has just described it, and what follows from it, in one transaction.

    Raises, with nothing written: InvalidSignature, PaymentNotCaptured. Raises, with the payment and its refund on
    record: SoldOut, OrderAlreadyPaid; with the payment on record, for staff to decide: AmountMismatch.
    """
    _check(order, payment)
    try:
        return _answer(in_transaction(lambda: _record_payment(order, payment, now=now)))
    except IntegrityError:
        if not _of(order, payment.payment_id).exists():
            raise
        # It was left to staff, and the gateway has corrected its amount since. They decide, as they were told.
        log.warning("Payment %s of %s is now %s %s", payment.payment_id, order, payment.amount, payment.currency)
        raise AmountMismatch from None


def _answer(result: Verified | BookingError) -> Verified:
    if isinstance(result, BookingError):
        raise result
    return result


def _order_of(user: User, order_id: str) -> Order:
    own = Order.objects.select_related("slot").filter(user_id=user.pk)
    try:
        order = own.get(gateway=gateway().name, gateway_order_id=order_id)
    except Order.DoesNotExist:
        raise OrderNotFound from None
    order.user = user
    return order


def _check(order: Order, payment: GatewayPayment) -> None:
    """Refuse what has not paid for this order. Raises InvalidSignature, PaymentNotCaptured."""
    if payment.state is not PaymentState.UNKNOWN and payment.order_id != order.gateway_order_id:
        raise InvalidSignature
    if payment.state is not PaymentState.CAPTURED:
        raise PaymentNotCaptured(payment.state)


def _is_tried_again(order: Order, failed: GatewayPayment) -> bool:
    """Whether another payment of the order is under way, or has succeeded: then nobody is told that one failed."""
    others = gateway(order.gateway).payments_of(order.gateway_order_id)
    return any(other.state in UNDER_WAY for other in others if other.payment_id != failed.payment_id)


def _tell_of_failure(order: Order, payment: GatewayPayment, *, now: datetime) -> None:
    """Within the transaction. Customers who have paid since, or were told lately, are not notified."""
    lock(order)
    latest = now - timedelta(minutes=settings.PAYMENT_FAILED_MINUTES)
    was_told = order.failure_told_at is not None and order.failure_told_at > latest
    if order.status in (Order.Status.OPEN, Order.Status.LAPSED) and not was_told:
        order.failure_told_at = now
        order.save(update_fields=["failure_told_at"])
        announcements.payment_failed(order, payment_id=payment.payment_id)


def lock(order: Order) -> None:
    """Lock the order so that payment reports run one at a time; reload what they change."""
    order.refresh_from_db(
        fields=["status", "failure_told_at"], from_queryset=Order.objects.select_for_update(no_key=True)
    )


def _record_payment(order: Order, payment: GatewayPayment, *, now: datetime) -> Verified | BookingError:
    """Within the transaction. A refusal is returned, not raised: what it writes must be committed."""
    lock(order)
    if recorded := _recorded(order, payment.payment_id):
        return _what_came_of(recorded)
    if (payment.amount, payment.currency) != (order.amount, order.currency):
        return _leave_to_staff(order, payment)
    paid = _record(order, payment)
    if order.status == Order.Status.BOOKED:
        return _refuse(paid, OrderAlreadyPaid())
    if order.status != Order.Status.OPEN and not take_seats(order.slot, order.quantity, now=now):
        order.becomes(Order.Status.SOLD_OUT)
        return _refuse(paid, SoldOut())
    return Verified(book(order, paid), is_new=True)


def _recorded(order: Order, payment_id: str) -> Payment | None:
    """The payment's row, if it was verified before: none of an open or lapsed order pays for it.

    Nobody else's is taken for it. The gateway signs an order and a payment together, but an event may name any two,
    and one order may have several payments; so both are looked for. An order has one gateway, so that is not.
    """
    if order.status in (Order.Status.OPEN, Order.Status.LAPSED):
        return None
    return _of(order, payment_id).first()


def _of(order: Order, payment_id: str) -> QuerySet[Payment]:
    return Payment.objects.filter(order=order, payment_id=payment_id)


def _leave_to_staff(order: Order, payment: GatewayPayment) -> BookingError:
    """Record a captured payment of another amount, such as one with the bank's fee on top: staff decide (decisions.py).

    One that no row can hold is in the log alone.
    """
    if not 0 < payment.amount <= MOST_AMOUNT or not CURRENCY.fullmatch(payment.currency):
        log.error("Payment %s of %s needs a person: of no amount that can be kept", payment.payment_id, order)
        return AmountMismatch()
    _, is_new = Payment.objects.get_or_create(
        gateway=order.gateway,
        payment_id=payment.payment_id,
        defaults={
            "order": order,
            "amount": payment.amount,
            "currency": payment.currency,
            "decision": Payment.Decision.WANTED,
        },
    )
    if is_new:
        log.error("Payment %s of %s needs a person: %s", payment.payment_id, order, AmountMismatch.code)
    return AmountMismatch()


def _record(order: Order, payment: GatewayPayment) -> Payment:
    return Payment.objects.create(
        order=order,
        gateway=order.gateway,
        payment_id=payment.payment_id,
        amount=payment.amount,
        currency=payment.currency,
    )


def _what_came_of(paid: Payment) -> Verified | BookingError:
    """The same answer as the first time."""
    booking = Booking.objects.select_related("slot").filter(payment=paid).first()
    if booking is not None:
        return Verified(booking, is_new=False)
    if paid.decision != Payment.Decision.NONE:
        return AmountMismatch()
    return SoldOut() if paid.refund.reason == SoldOut.code else OrderAlreadyPaid()


def _refuse(paid: Payment, refusal: BookingError) -> BookingError:
    refunds.request(paid, reason=refusal.code)
    return refusal


def book(order: Order, paid: Payment) -> Booking:
    """Within the transaction, the order locked and its seats taken: write the booking and its messages.

    A customer who ordered when the slot had another start was not told of this one: `slots.py` sees the difference.
    """
    order.becomes(Order.Status.BOOKED)
    booking = Booking.objects.create(
        user=order.user,
        slot=order.slot,
        order=order,
        payment=paid,
        quantity=order.quantity,
        starts_at=order.starts_at or order.slot.starts_at,
    )
    announcements.booking_confirmed(booking)
    return booking
