"""Quiet hours go by the clock on the recipient's wall, whatever that does in a night of change."""

from datetime import UTC, datetime

import pytest

from notifications.kinds import Kind
from notifications.policy.quiet_hours import parse

NIGHT = parse("22-8")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "ends"),
    [
        ("2026-06-01 19:59", "Europe/Berlin", None),  # 21:59 there
        ("2026-06-01 20:00", "Europe/Berlin", "2026-06-02 06:00"),
        ("2026-06-02 05:59", "Europe/Berlin", "2026-06-02 06:00"),
        ("2026-06-02 06:00", "Europe/Berlin", None),
        ("2026-06-01 20:00", "UTC", None),
        ("2026-06-01 20:00", "Asia/Kolkata", "2026-06-02 02:30"),  # 01:30 there
        ("2026-12-31 23:30", "UTC", "2027-01-01 08:00"),
        # The clocks go forward from 2 to 3 on 29 March: the night is an hour shorter.
        ("2026-03-28 21:00", "Europe/Berlin", "2026-03-29 06:00"),
        ("2026-03-29 00:30", "Europe/Berlin", "2026-03-29 06:00"),
        ("2026-03-29 01:30", "Europe/Berlin", "2026-03-29 06:00"),
        # They go back from 3 to 2 on 25 October: it is an hour longer, and 2:30 comes twice.
        ("2026-10-24 20:00", "Europe/Berlin", "2026-10-25 07:00"),
        ("2026-10-25 00:30", "Europe/Berlin", "2026-10-25 07:00"),
        ("2026-10-25 01:30", "Europe/Berlin", "2026-10-25 07:00"),
    ],
)
def test_the_end_of_the_night(moment: str, zone: str, ends: str | None) -> None:
    assert NIGHT is not None
    assert NIGHT.end_after(utc(moment), time_zone=zone) == (utc(ends) if ends else None)


@pytest.mark.parametrize(
    ("hours", "moment", "ends"),
    [
        ("1-2:30", "2026-03-29 00:30", "2026-03-29 01:30"),  # 2:30 does not exist: as long after 2 as it would be
        ("1-2:30", "2026-10-25 00:10", "2026-10-25 00:30"),  # 2:10, the first time
        ("1-2:30", "2026-10-25 01:10", "2026-10-25 01:30"),  # 2:10, the second time: the first 2:30 is over
        ("13-14:15", "2026-06-01 10:59", None),
        ("13-14:15", "2026-06-01 11:00", "2026-06-01 12:15"),
        ("13-14:15", "2026-06-01 11:30", "2026-06-01 12:15"),
        ("13-14:15", "2026-06-01 12:15", None),
    ],
)
def test_ends_that_do_not_exist_or_come_twice(hours: str, moment: str, ends: str | None) -> None:
    quiet = parse(hours)
    assert quiet is not None
    assert quiet.end_after(utc(moment), time_zone="Europe/Berlin") == (utc(ends) if ends else None)


@pytest.mark.parametrize("nonsense", ["22", "22-22", "25-8", "22-8:70", "ten to eight", "24-8"])
def test_hours_that_are_none_are_refused_where_they_are_written(nonsense: str) -> None:
    with pytest.raises(ValueError, match=r"hour|minute"):
        parse(nonsense)
    with pytest.raises(ValueError, match=r"hour|minute"):
        Kind("test.kind", channels=("sms",), quiet_hours=nonsense)


def test_no_hours_are_no_quiet_hours() -> None:
    assert parse("") is None


def test_spaces_in_the_hours_mean_nothing() -> None:
    assert parse("22 - 8") == NIGHT
