"""Reminders: queued when their time has come, so that no future message stands in a customer's lane."""

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import TruncMinute
from django.utils import timezone

from bookings import announcements
from bookings.models import Booking
from bookings.setbacks import do_each, waiting
from bookings.transactions import in_transaction

JOB = "queue reminders"


def queue_due(*, now: datetime | None = None, limit: int = 1000) -> int:
    """Queue the reminders of bookings whose slot starts within REMINDER_HOURS; returns how many.

    Each booking is reminded once (again if its slot moves), whoever runs this and however often, and not after it was
    cancelled or has started. At most `limit` are queued, the next to start first. A booking that raises an error is
    passed over, and tried again later.
    """
    at = now or timezone.now()
    soon = at + timedelta(hours=settings.REMINDER_HOURS)
    due = Booking.objects.filter(
        status=Booking.Status.CONFIRMED, reminded_at=None, slot__starts_at__gt=at, slot__starts_at__lte=soon
    )
    due = due.annotate(told=TruncMinute("starts_at"), is_at=TruncMinute("slot__starts_at"))
    due = due.filter(Q(starts_at=None) | Q(told=F("is_at")))  # of a move they are told first
    ids = due.exclude(pk__in=waiting(JOB, now=at)).order_by("slot__starts_at", "pk").values_list("pk", flat=True)
    return sum(
        do_each(JOB, ids[:limit], lambda booking_id: in_transaction(partial(_remind, booking_id, now=at)), now=at)
    )


def _remind(booking_id: int, *, now: datetime) -> bool:
    """Remind of the booking, unless another process does, or it was cancelled meanwhile."""
    unreminded = Booking.objects.filter(pk=booking_id, status=Booking.Status.CONFIRMED, reminded_at=None)
    rows = unreminded.select_for_update(skip_locked=True, no_key=True, of=("self",))
    booking = rows.select_related("slot", "payment", "user").first()
    if booking is None or booking.has_untold_move:
        return False
    booking.reminded_at = now
    booking.save(update_fields=["reminded_at"])
    announcements.booking_reminder(booking)
    return True
