"""Copies of a slot: once, or every week until a day, at the same time of the venue's clock.

A week is seven days of that clock, so a tour at 18:00 is at 18:00 before and after the clocks change. A time that the
clocks leave out is held an hour later, when they say it again. A copy starts without bookings, and hidden or published
as staff say. What is there already, the same title at the same start, is not made twice.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.db.models import Model

from bookings.models import Slot
from bookings.transactions import in_transaction

WEEK = timedelta(days=7)
MOST_COPIES = 104  # two years of weeks
OWN = frozenset({"id", "starts_at", "ends_at", "seats_taken", "cancelled_at", "is_published"})


class TooManyCopies(ValueError):
    """The last day is too far away, or lies before the slot's next week."""


def copy_weekly(slot_id: int, *, until: date, is_published: bool) -> list[Slot]:
    """Copy the slot to every further week up to the day `until`, in the venue's time zone; returns what is new.

    All of them or none. Raises TooManyCopies, whose text says what to do; Slot.DoesNotExist.
    """
    return in_transaction(partial(_copy_weekly, slot_id, until=until, is_published=is_published))


def starts_until(slot: Slot, until: date) -> list[datetime]:
    """When the slot's copies start. Raises TooManyCopies."""
    starts = list(_starts(slot, until))
    if not starts:
        raise TooManyCopies("Choose a day at least a week after the slot.")
    if len(starts) > MOST_COPIES:
        raise TooManyCopies(f"These are more than {MOST_COPIES} weeks. Choose an earlier day.")
    return starts


def _starts(slot: Slot, until: date) -> Iterator[datetime]:
    zone = ZoneInfo(slot.zone)
    clock = slot.starts_at.astimezone(zone).replace(tzinfo=None, fold=0)
    for week in range(1, MOST_COPIES + 2):
        try:
            at = (clock + week * WEEK).replace(tzinfo=zone)
        except OverflowError:
            return
        if at.date() > until:
            return
        yield at.astimezone(UTC)  # moments of a zone that its clocks show twice, or never, are equal to none


def _copy_weekly(slot_id: int, *, until: date, is_published: bool) -> list[Slot]:
    slot = Slot.objects.select_for_update(no_key=True).get(pk=slot_id)  # two of the same at once make one series
    starts = starts_until(slot, until)
    there = set(Slot.objects.filter(title=slot.title, starts_at__in=starts).values_list("starts_at", flat=True))
    new = [_copy(slot, at, is_published=is_published) for at in starts if at not in there]
    return Slot.objects.bulk_create(new)


def _copy(slot: Slot, starts_at: datetime, *, is_published: bool) -> Slot:
    model: type[Model] = Slot
    kept = {field.attname: getattr(slot, field.attname) for field in model._meta.concrete_fields}
    described = {name: value for name, value in kept.items() if name not in OWN}
    length = slot.ends_at - slot.starts_at
    return Slot(**described, starts_at=starts_at, ends_at=starts_at + length, is_published=is_published)
