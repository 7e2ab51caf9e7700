"""What can be booked in a month, day by day: a calendar on a wide screen, and a list of its days on a narrow one.

A day and a time are those of the slot's place, for every reader: who looks for a tour on Saturday means Saturday there,
and a month's address shows the same to all. A slot's own page has the reader's time beside it. Weeks begin on Monday.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, format_time, get_day_names
from django.utils import timezone, translation

from bookings.business import business
from bookings.models import Slot
from notifications.content.zone_names import zone_name

MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
MOST_SHOWN = 500  # slots of one month
EARLIEST, LATEST = timedelta(hours=14), timedelta(hours=12)  # that a place may be before UTC, and behind it


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot on its day, and when it begins there, as the page writes it."""

    slot: Slot
    time: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the month; `column` is its weekday, Monday is 1."""

    date: date
    name: str
    offers: list[Offer] = field(default_factory=list)

    @property
    def column(self) -> int:
        return self.date.isoweekday()


@dataclass(frozen=True, slots=True)
class Month:
    """A month by its first day."""

    first: date

    def __str__(self) -> str:
        """As an address names it: 2026-12."""
        return f"{self.first:%Y-%m}"

    @property
    def name(self) -> str:
        return format_skeleton("yMMMM", self.first, locale=_locale())

    @property
    def after(self) -> "Month":
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def before(self) -> "Month":
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def around(self) -> tuple[datetime, datetime]:
        """Between these moments it is this month somewhere."""
        return _midnight(self.first) - EARLIEST, _midnight(self.after.first) + LATEST

    def days(self, slots: Iterable[Slot]) -> list[Day]:
        """Every day, with those of `slots` that begin then, at their place."""
        days = {each.date: each for each in self._empty_days()}
        for slot in slots:
            begins = _begins(slot)
            if begins.date() in days:
                days[begins.date()].offers.append(Offer(slot, _time(begins, slot)))
        return list(days.values())

    def _empty_days(self) -> Iterator[Day]:
        count = (self.after.first - self.first).days
        for day in (self.first + timedelta(days=number) for number in range(count)):
            yield Day(day, format_skeleton("MMMEd", day, locale=_locale()))


def month_of(slot: Slot) -> Month:
    """The month in which the slot begins, at its place."""
    return Month(_begins(slot).date().replace(day=1))


def month_at(moment: datetime) -> Month:
    """The month of `moment` where the business is."""
    return Month(moment.astimezone(ZoneInfo(business().time_zone)).date().replace(day=1))


def is_elsewhere() -> bool:
    """Whether the reader's time zone is not the business's; who reads in UTC has named none."""
    return timezone.get_current_timezone_name() not in ("UTC", business().time_zone)


def month_named(text: str) -> Month | None:
    """The month of an address; None if it names none."""
    found = MONTH.fullmatch(text)
    return Month(date(int(found[1]), int(found[2]), 1)) if found else None


def weekdays() -> list[str]:
    """The short names of the days of a week, from Monday on."""
    names = get_day_names("abbreviated", locale=_locale())
    return [str(names[number]) for number in range(7)]


def _begins(slot: Slot) -> datetime:
    return slot.starts_at.astimezone(slot.clock)


def _time(begins: datetime, slot: Slot) -> str:
    """With the time zone's name where it is not the business's."""
    time = format_time(begins, "short", locale=_locale()).replace("\u202f", " ")
    return time if slot.zone == business().time_zone else f"{time} {zone_name(begins, _locale())}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _locale() -> Locale:
    return Locale.parse(translation.to_locale(translation.get_language() or "en"))
