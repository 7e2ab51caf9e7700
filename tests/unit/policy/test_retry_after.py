"""How long a Retry-After header asks us to wait."""

import time
from email.utils import formatdate

import pytest

from notifications.policy.retry_after import throttled_seconds

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 1.0),
        (None, 5.0),
        ("", 5.0),
        ("soon", 5.0),
        ("0", 1.0),
        ("-3", 1.0),
        ("86400", 300.0),
        ("inf", 300.0),
    ],
)
def test_the_wait_is_the_headers_within_bounds(header: str | None, expected: float) -> None:
    assert throttled_seconds(header, now=NOW) == expected


@pytest.mark.parametrize("zone", ["", " -0000"])
def test_a_date_without_a_zone_is_in_utc(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert throttled_seconds(formatdate(NOW + 90).removesuffix(" -0000") + zone, now=NOW) == 90.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_wait_that_is_no_number_stays_within_bounds() -> None:
    assert 1.0 <= throttled_seconds("nan", now=NOW) <= 300.0
