"""Weekly copies keep the venue's clock over its changes, and making them twice makes them once."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.models import Slot
from bookings.series import MOST_COPIES, TooManyCopies, copy_weekly
from tests.factories.bookings import SlotFactory

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def _slot(start: datetime, **about: object) -> Slot:
    return SlotFactory(starts_at=start.astimezone(UTC), time_zone="Europe/Berlin", **about)


def test_they_start_at_the_same_time_of_the_venues_clock() -> None:
    slot = _slot(datetime(2030, 3, 24, 18, tzinfo=BERLIN), seats_taken=3, place="Harbour", price=999)
    copies = copy_weekly(slot.pk, until=date(2030, 4, 7), is_published=False)
    clocks = [f"{copy.starts_at.astimezone(BERLIN):%d %H:%M %z}" for copy in copies]
    assert clocks == ["31 18:00 +0200", "07 18:00 +0200"]
    assert {(copy.seats_taken, copy.place, copy.price, copy.is_published) for copy in copies} == {
        (0, "Harbour", 999, False)
    }
    assert {copy.ends_at - copy.starts_at for copy in copies} == {timedelta(hours=2)}


def test_a_time_that_the_clock_leaves_out_is_an_hour_later_that_day_alone() -> None:
    slot = _slot(datetime(2030, 3, 24, 2, 30, tzinfo=BERLIN))
    copies = copy_weekly(slot.pk, until=date(2030, 4, 7), is_published=True)
    assert [f"{copy.starts_at.astimezone(BERLIN):%H:%M}" for copy in copies] == ["03:30", "02:30"]
    assert copy_weekly(slot.pk, until=date(2030, 4, 7), is_published=True) == []


def test_what_is_there_is_not_made_again() -> None:
    slot = _slot(datetime(2030, 10, 1, 2, 30, tzinfo=BERLIN))
    copy_weekly(slot.pk, until=date(2030, 10, 8), is_published=True)
    assert len(copy_weekly(slot.pk, until=date(2030, 10, 29), is_published=True)) == 3
    assert Slot.objects.count() == 5


@pytest.mark.parametrize(
    ("until", "problem"),
    [
        (date(2030, 1, 7), "at least a week"),
        (date(2029, 1, 1), "at least a week"),
        (date(2040, 1, 1), f"more than {MOST_COPIES} weeks"),
        (date.max, f"more than {MOST_COPIES} weeks"),
    ],
)
def test_a_last_day_that_makes_none_or_too_many_is_refused(until: date, problem: str) -> None:
    slot = _slot(datetime(2030, 1, 1, 18, tzinfo=BERLIN))
    with pytest.raises(TooManyCopies, match=problem):
        copy_weekly(slot.pk, until=until, is_published=True)
    assert Slot.objects.count() == 1
