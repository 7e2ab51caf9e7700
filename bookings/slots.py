"""Moving a slot: everyone booked is notified of the old and the new start, and gets a new reminder.

A booking records the start of which its customer was last notified. Where that differs from the slot's start,
`tell_of_moves` notifies the customer. The scheduler runs it too, so it does not matter how the slot was changed. The
customer may cancel for a full refund (`cancellation.refund_due`).
"""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncMinute
from django.utils import timezone

from bookings import announcements
from bookings.errors import NotMovable
from bookings.models import Booking, Slot
from bookings.setbacks import do_each, waiting
from bookings.transactions import in_transaction

JOB = "tell of moved slots"


def move(slot_id: int, *, starts_at: datetime, ends_at: datetime | None = None, now: datetime | None = None) -> int:
    """Move the slot, which keeps its length unless `ends_at` is given; returns how many customers were told.

    Each is notified in a separate transaction, so that no lock is held for long. After an interruption the scheduler
    notifies the rest. Moved again, each is told from the start that they were last told of.

    Raises, with nothing written: NotMovable for a start that has come already; Slot.DoesNotExist; IntegrityError for an
    end before the start.
    """
    if starts_at <= (now or timezone.now()):
        raise NotMovable
    in_transaction(partial(_move, slot_id, starts_at=starts_at, ends_at=ends_at))
    return tell_of_moves(slot_id=slot_id, now=now)


def tell_of_moves(*, slot_id: int | None = None, limit: int = 1000, now: datetime | None = None) -> int:
    """Tell customers whose slot starts at another time than they were told; returns how many.

    At most `limit` at once, the next to start first; not for slots that have started or are cancelled. A booking that
    raises an error is skipped and tried again later.
    """
    at = now or timezone.now()
    moved = _confirmed(slot_id).filter(slot__starts_at__gt=at, slot__cancelled_at=None)
    untold = moved.exclude(starts_at=None).annotate(told=TruncMinute("starts_at"), is_at=TruncMinute("slot__starts_at"))
    untold = untold.exclude(told=F("is_at"))
    ids = untold.exclude(pk__in=waiting(JOB, now=at)).order_by("slot__starts_at", "pk").values_list("pk", flat=True)
    tell = partial(_tell, now=at)
    return sum(do_each(JOB, ids[:limit], lambda booking_id: in_transaction(partial(tell, booking_id)), now=at))


def keep_told_starts(slot_id: int) -> None:
    """Within the transaction that will move the slot: record its present start on bookings that lack one."""
    present = Slot.objects.filter(pk=OuterRef("slot_id")).values("starts_at")
    _confirmed(slot_id).filter(starts_at=None).update(starts_at=Subquery(present))


def _confirmed(slot_id: int | None) -> QuerySet[Booking]:
    confirmed = Booking.objects.filter(status=Booking.Status.CONFIRMED)
    return confirmed if slot_id is None else confirmed.filter(slot_id=slot_id)


def _move(slot_id: int, *, starts_at: datetime, ends_at: datetime | None) -> None:
    slot = Slot.objects.select_for_update(no_key=True).get(pk=slot_id)
    keep_told_starts(slot_id)
    slot.ends_at = ends_at or starts_at + (slot.ends_at - slot.starts_at)
    slot.starts_at = starts_at
    slot.save(update_fields=["starts_at", "ends_at"])


def _tell(booking_id: int, *, now: datetime) -> bool:
    """Notify of the move, unless another process does or the booking has been cancelled."""
    rows = Booking.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    booking = rows.select_related("slot", "payment", "user").filter(pk=booking_id, status="confirmed").first()
    if booking is None or booking.starts_at is None or not booking.has_untold_move:
        return False
    told, before = booking.starts_at, booking.moved_at
    if booking.reminded_at is not None:
        announcements.withdraw_reminder(booking)
    booking.starts_at, booking.reminded_at = booking.slot.starts_at, None
    # Rising, whatever the clock says: messages of two moves would have one dedupe key, and the later would not be sent.
    booking.moved_at = now if before is None else max(now, before + timedelta(microseconds=1))
    booking.save(update_fields=["starts_at", "moved_at", "reminded_at"])
    announcements.slot_moved(booking, from_start=told)
    return True
