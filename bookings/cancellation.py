"""Cancels bookings: the seats are free again, the customer is told, and the refund that the rules allow begins."""

from datetime import datetime, timedelta

from django.utils import timezone

from bookings import announcements, refunds
from bookings.errors import NotCancellable
from bookings.models import Booking
from bookings.retrying import in_transaction


def cancel(booking_id: int, *, now: datetime | None = None) -> Booking:
    """Cancel the booking; one that is already cancelled stays as it is.

    Refunded in full if cancelled `free_cancellation_hours` before the start, else not at all.
    Raises NotCancellable once the slot has started; Booking.DoesNotExist.
    """
    cancelled_at = now or timezone.now()
    return in_transaction(lambda: _cancel(booking_id, now=cancelled_at))


def _cancel(booking_id: int, *, now: datetime) -> Booking:
    booking = (
        Booking.objects.select_for_update(no_key=True, of=("self",))
        .select_related("slot", "payment", "user")
        .get(pk=booking_id)
    )
    if booking.status == Booking.Status.CANCELLED:
        return booking
    if booking.slot.starts_at <= now:
        raise NotCancellable
    booking.cancel(now=now)
    announcements.booking_cancelled(booking)
    if now <= booking.slot.starts_at - timedelta(hours=booking.slot.free_cancellation_hours):
        refunds.request(booking.payment, reason="cancelled")
    return booking
