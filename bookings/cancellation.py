"""Cancels bookings and whole slots: releases the seats, notifies the customers, and requests the refunds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone

from bookings import announcements, limits, refunds
from bookings.errors import NotCancellable
from bookings.models import Booking, Order, Slot
from bookings.orders import REFUND_RULES
from bookings.setbacks import do_each, waiting
from bookings.transactions import in_transaction

HOLDS_JOB, BOOKINGS_JOB = "end holds", "call off bookings"


def refundable(amount: int, *, slot: Slot, now: datetime) -> int:
    """What the rules of `slot` give back of `amount` for a cancellation at `now`, in minor units.

    All of it until `free_cancellation_hours` before the start, `late_refund_percent` of it until `no_refund_hours`
    before, then nothing. A share is rounded to the nearest minor unit, half of one in the customer's favour.
    """
    left = slot.starts_at - now
    if left >= timedelta(hours=slot.free_cancellation_hours):
        return amount
    if left >= timedelta(hours=slot.no_refund_hours):
        return (amount * slot.late_refund_percent + 50) // 100
    return 0


def refund_due(booking: Booking, *, now: datetime) -> int:
    """What a cancellation of the booking at `now` gives back, in minor units.

    By the rules that held when it was ordered; all of it if its slot has moved since.
    """
    if booking.has_moved:
        return booking.payment.amount
    kept = {rule: getattr(booking.order, rule) for rule in REFUND_RULES}
    rules = {rule: getattr(booking.slot, rule) if value is None else value for rule, value in kept.items()}
    return refundable(booking.payment.amount, slot=Slot(starts_at=booking.slot.starts_at, **rules), now=now)


def cancel(
    booking_id: int,
    *,
    by_staff: bool = False,
    now: datetime | None = None,
    note: Callable[[Booking], object] = lambda _: None,
) -> Booking:
    """Cancel the booking at its customer's wish, and refund what the rules give back; a cancelled one stays as it is.

    `note` is told of one that was not cancelled before, within the transaction. Raises NotCancellable once the slot has
    started; LimitReached, unless it is done by staff; Booking.DoesNotExist.
    """
    cancelled_at = now or timezone.now()
    return in_transaction(partial(_cancel, booking_id, is_limited=not by_staff, now=cancelled_at, note=note))


def cancel_slot(slot_id: int, *, now: datetime | None = None, note: Callable[[Slot], object] = lambda _: None) -> int:
    """Cancel the whole slot: it can no longer be booked, and everyone booked is notified and refunded in full.

    Returns how many bookings were cancelled. Each is a separate transaction, so that no lock is held for long.
    `finish_cancelled_slots` completes what was interrupted or raised an error. Raises Slot.DoesNotExist.
    `note` is told of a slot that was not cancelled before, within the first transaction.
    """
    cancelled_at = now or timezone.now()
    in_transaction(partial(_call_off, slot_id, now=cancelled_at, note=note))
    held = Order.objects.filter(slot_id=slot_id, status=Order.Status.OPEN)
    orders = held.exclude(pk__in=waiting(HOLDS_JOB, now=cancelled_at)).order_by("pk").values_list("pk", flat=True)
    list(do_each(HOLDS_JOB, orders, lambda order_id: in_transaction(partial(end_hold, order_id)), now=cancelled_at))
    booked = Booking.objects.filter(slot_id=slot_id, status=Booking.Status.CONFIRMED)
    ids = booked.exclude(pk__in=waiting(BOOKINGS_JOB, now=cancelled_at)).order_by("pk").values_list("pk", flat=True)
    call_off = partial(_call_off_booking, now=cancelled_at)
    return sum(
        do_each(BOOKINGS_JOB, ids, lambda booking_id: in_transaction(partial(call_off, booking_id)), now=cancelled_at)
    )


def finish_cancelled_slots(*, now: datetime | None = None) -> int:
    """Complete what `cancel_slot` began and could not end; returns how many bookings were cancelled."""
    has_holds = Q(orders__status=Order.Status.OPEN)
    has_bookings = Q(bookings__status=Booking.Status.CONFIRMED)
    unfinished = Slot.objects.filter(has_holds | has_bookings, cancelled_at__isnull=False)
    return sum(cancel_slot(slot_id, now=now) for slot_id in sorted(set(unfinished.values_list("pk", flat=True))))


def _cancel(booking_id: int, *, is_limited: bool, now: datetime, note: Callable[[Booking], object]) -> Booking:
    if is_limited:
        _check_limit(booking_id, now=now)
    booking = _locked(booking_id)
    if booking.status == Booking.Status.CANCELLED:
        return booking
    if booking.slot.starts_at <= now:
        raise NotCancellable
    _end(booking, now=now)
    amount = refund_due(booking, now=now)
    announcements.booking_cancelled(booking, refund=amount)
    if amount:
        refunds.request(booking.payment, reason="cancelled", amount=amount)
    note(booking)
    return booking


def _check_limit(booking_id: int, *, now: datetime) -> None:
    """Raises LimitReached. A booking whose slot has moved can always be cancelled; one that is cancelled stays so."""
    booking = Booking.objects.select_related("slot").get(pk=booking_id)
    if booking.status == Booking.Status.CONFIRMED and not booking.has_moved:
        limits.check_cancellation(user_id=booking.user_id, now=now)


def _call_off(slot_id: int, *, now: datetime, note: Callable[[Slot], object]) -> None:
    """After this no seat of the slot can be taken. Orders that took one before have committed."""
    slot = Slot.objects.select_for_update(no_key=True).get(pk=slot_id)
    if not slot.is_cancelled:
        slot.cancelled_at = now
        slot.save(update_fields=["cancelled_at"])
        note(slot)


def end_hold(order_id: int) -> None:
    """Within a transaction, end the order's hold.

    A payment being verified now becomes a booking first; a later one finds no seat.
    """
    order = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("slot").get(pk=order_id)
    if order.status == Order.Status.OPEN:
        order.becomes(Order.Status.LAPSED)
        order.slot.free_seats(order.quantity)


def _call_off_booking(booking_id: int, *, now: datetime) -> bool:
    """Cancel a booking of a slot that staff called off; False if it was cancelled already."""
    booking = _locked(booking_id)
    if booking.status == Booking.Status.CANCELLED:
        return False
    _end(booking, now=now)
    announcements.slot_cancelled(booking)
    refunds.request(booking.payment, reason="slot_cancelled")
    return True


def _locked(booking_id: int) -> Booking:
    rows = Booking.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("slot", "order", "payment", "user").get(pk=booking_id)


def _end(booking: Booking, *, now: datetime) -> None:
    booking.cancel(now=now)
    if booking.reminded_at is not None:
        announcements.withdraw_reminder(booking)
