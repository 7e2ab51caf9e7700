"""THE transaction: a payment is verified, and its booking and the messages that follow are written together (G1, G2).

Everything that goes over the network happens before the transaction. Whoever reports a payment, and however often,
ends here; the order's row is the lock that makes them go one after another.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
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


@dataclass(frozen=True, slots=True)
class Verified:
    """The payment's booking; `is_new` tells whether this call made it."""

    booking: Booking
    is_new: bool


def verify(*, user: User, order_id: str, payment_id: str, signature: str, now: datetime | None = None) -> Verified:
    """Turn a payment that the gateway signed into its booking, once.

    Raises, with nothing written: InvalidSignature, OrderNotFound, PaymentNotCaptured, AmountMismatch,
    GatewayUnavailable. Raises, with the payment and its refund on record: SoldOut, OrderAlreadyPaid.
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
    """Turn a payment that the gateway told of into its booking, once; tell the customer of one that failed.

    What it told may be old by now: what counts is how the payment stands when asked. Raises what `verify` does.
    """
    if recorded := _recorded(order, payment_id):
        return _answer(_what_came_of(recorded))
    payment = gateway(order.gateway).fetch_payment(payment_id)
    if payment.state is PaymentState.FAILED and payment.order_id == order.gateway_order_id:
        in_transaction(lambda: _tell_of_failure(order, payment))
    return confirm(order, payment, now=now)


def confirm(order: Order, payment: GatewayPayment, *, now: datetime) -> Verified:
    """Write down a payment, as the gateway has just described it, and what follows from it, in one transaction.

    Raises, with nothing written: InvalidSignature, PaymentNotCaptured, AmountMismatch. Raises, with the payment and its
    refund on record: SoldOut, OrderAlreadyPaid.
    """
    _check(order, payment)
    return _answer(in_transaction(lambda: _settle(order, payment, now=now)))


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
    """Whether the payment pays for this order."""
    if payment.state is not PaymentState.UNKNOWN and payment.order_id != order.gateway_order_id:
        raise InvalidSignature
    if payment.state is not PaymentState.CAPTURED:
        raise PaymentNotCaptured(payment.state)
    if (payment.amount, payment.currency) != (order.amount, order.currency):
        raise AmountMismatch


def _tell_of_failure(order: Order, payment: GatewayPayment) -> None:
    """Within the transaction. Who has paid meanwhile need not hear of it."""
    _lock(order)
    if order.status in (Order.Status.OPEN, Order.Status.LAPSED):
        announcements.payment_failed(order, payment_id=payment.payment_id)


def _lock(order: Order) -> None:
    """Make all that report a payment of this order go one after another, and learn what the last of them made of it."""
    order.refresh_from_db(fields=["status"], from_queryset=Order.objects.select_for_update(no_key=True))


def _settle(order: Order, payment: GatewayPayment, *, now: datetime) -> Verified | BookingError:
    """Within the transaction. A refusal is returned, not raised: what it writes must be committed."""
    _lock(order)
    if recorded := _recorded(order, payment.payment_id):
        return _what_came_of(recorded)
    paid = _record(order, payment)
    if order.status == Order.Status.BOOKED:
        return _refuse(paid, OrderAlreadyPaid())
    if order.status != Order.Status.OPEN and not take_seats(order.slot, order.quantity, now=now):
        order.becomes(Order.Status.SOLD_OUT)
        return _refuse(paid, SoldOut())
    return _book(order, paid)


def _recorded(order: Order, payment_id: str) -> Payment | None:
    """The payment's row, if it was verified before: an order that is open or lapsed has none."""
    if order.status in (Order.Status.OPEN, Order.Status.LAPSED):
        return None
    return Payment.objects.filter(order=order, payment_id=payment_id).first()


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
    return SoldOut() if paid.refund.reason == SoldOut.code else OrderAlreadyPaid()


def _refuse(paid: Payment, refusal: BookingError) -> BookingError:
    refunds.request(paid, reason=refusal.code)
    return refusal


def _book(order: Order, paid: Payment) -> Verified:
    order.becomes(Order.Status.BOOKED)
    booking = Booking.objects.create(
        user=order.user, slot=order.slot, order=order, payment=paid, quantity=order.quantity
    )
    announcements.booking_confirmed(booking)
    return Verified(booking, is_new=True)
