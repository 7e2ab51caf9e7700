"""Staff's decisions on a payment whose amount differs from its order's: book anyway, or refund."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.utils import timezone

from bookings import refunds, verification
from bookings.errors import AlreadyDecided, AmountMismatch, NotEnoughSeats, OrderAlreadyPaid
from bookings.models import Booking, Order, Payment, Refund
from bookings.orders import take_seats
from bookings.transactions import in_transaction


def book_anyway(
    payment_id: int, *, now: datetime | None = None, note: Callable[[Payment], object] = lambda _: None
) -> Booking:
    """Accept the payment as it is, make its order's booking, and tell `note`, in one transaction.

    Raises, with nothing written: AlreadyDecided, OrderAlreadyPaid, NotEnoughSeats; Payment.DoesNotExist.
    """
    return in_transaction(partial(_book, payment_id, now=now or timezone.now(), note=note))


def give_back(payment_id: int, *, note: Callable[[Payment], object] = lambda _: None) -> Refund:
    """Request a full refund of the payment, and tell `note`, in one transaction.

    Raises AlreadyDecided, with nothing written; Payment.DoesNotExist.
    """
    return in_transaction(partial(_give_back, payment_id, note=note))


def _book(payment_id: int, *, now: datetime, note: Callable[[Payment], object]) -> Booking:
    paid = _undecided(payment_id)
    order = paid.order
    if order.status == Order.Status.BOOKED:
        raise OrderAlreadyPaid
    if order.status != Order.Status.OPEN and not take_seats(order.slot, order.quantity, now=now):
        order.slot.refresh_from_db()
        raise NotEnoughSeats(0 if order.slot.is_cancelled else order.slot.seats_left)
    _decide(paid, Payment.Decision.BOOKED)
    note(paid)
    return verification.book(order, paid)


def _give_back(payment_id: int, *, note: Callable[[Payment], object]) -> Refund:
    paid = _undecided(payment_id)
    _decide(paid, Payment.Decision.REFUNDED)
    note(paid)
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
