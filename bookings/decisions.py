"""Staff's decisions on a payment whose amount differs from its order's: book anyway, or refund."""

from datetime import datetime
from functools import partial

from django.utils import timezone

from bookings import refunds, verification
from bookings.errors import AlreadyDecided, AmountMismatch, NotEnoughSeats, OrderAlreadyPaid
from bookings.models import Booking, Order, Payment, Refund
from bookings.orders import take_seats
from bookings.transactions import in_transaction


def book_anyway(payment_id: int, *, now: datetime | None = None) -> Booking:
    """Accept the payment as it is, and make its order's booking.

    Raises, with nothing written: AlreadyDecided, OrderAlreadyPaid, NotEnoughSeats; Payment.DoesNotExist.
    """
    return in_transaction(partial(_book, payment_id, now=now or timezone.now()))


def give_back(payment_id: int) -> Refund:
    """Request a full refund of the payment. Raises AlreadyDecided, with nothing written; Payment.DoesNotExist."""
    return in_transaction(partial(_give_back, payment_id))


def _book(payment_id: int, *, now: datetime) -> Booking:
    paid = _undecided(payment_id)
    order = paid.order
    if order.status == Order.Status.BOOKED:
        raise OrderAlreadyPaid
    if order.status != Order.Status.OPEN and not take_seats(order.slot, order.quantity, now=now):
        order.slot.refresh_from_db()
        raise NotEnoughSeats(0 if order.slot.is_cancelled else order.slot.seats_left)
    _decide(paid, Payment.Decision.BOOKED)
    return verification.book(order, paid)


def _give_back(payment_id: int) -> Refund:
    paid = _undecided(payment_id)
    _decide(paid, Payment.Decision.REFUNDED)
    return refunds.request(paid, reason=AmountMismatch.code)


def _undecided(payment_id: int) -> Payment:
    """The payment, its order locked. Raises AlreadyDecided."""
    paid = Payment.objects.select_related("order__slot", "order__user").get(pk=payment_id)
    verification.lock(paid.order)
    paid.refresh_from_db(fields=["decision"])
    if paid.decision != Payment.Decision.WANTED:
        raise AlreadyDecided
    return paid


def _decide(paid: Payment, decision: Payment.Decision) -> None:
    paid.decision = decision
    paid.save(update_fields=["decision"])
