"""Quiet hours: when a message that may wait is held, by the recipient's local time.

Written 22-8 or 21:30-7:45, in OUTBOX_QUIET_HOURS or by a kind. Which kinds may wait, `kinds` says. Pure Python.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from notifications.policy.locales import usable_zone

HOURS = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until `end`, through midnight if that is how they lie."""

    start: time
    end: time

    def end_after(self, moment: datetime, *, time_zone: str) -> datetime | None:
        """When the quiet hours end in which `moment` lies, in UTC; None if it lies in none.

        The wall's clock decides: a night in which the clocks change is an hour shorter or longer.
        """
        zone = usable_zone(time_zone)
        here = moment.astimezone(zone)
        at = here.time()
        is_quiet = self.start <= at < self.end if self.start < self.end else at >= self.start or at < self.end
        if not is_quiet:
            return None
        day = here.date() if at < self.end else here.date() + timedelta(days=1)
        ends = datetime.combine(day, self.end, tzinfo=zone).astimezone(UTC)
        # In the hour that a change of clocks repeats, the end may have been on the wall once before.
        return ends if ends > moment else datetime.combine(day, self.end.replace(fold=1), tzinfo=zone).astimezone(UTC)


@lru_cache
def parse(text: str) -> QuietHours | None:
    """The hours that `text` names; none if it is empty. Raises ValueError."""
    if not text:
        return None
    found = HOURS.fullmatch(text.replace(" ", ""))
    if found is None:
        raise ValueError(f"quiet hours must be like 22-8 or 21:30-7:45, not {text!r}")
    start_hour, start_minute, end_hour, end_minute = (int(number or 0) for number in found.groups())
    start, end = time(start_hour, start_minute), time(end_hour, end_minute)
    if start == end:
        raise ValueError(f"quiet hours must begin and end at different times, not {text!r}")
    return QuietHours(start, end)
