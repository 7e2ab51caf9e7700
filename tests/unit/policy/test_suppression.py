"""Why a message is not sent although nothing failed, and how long quiet hours hold it."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.policy.quiet_hours import parse
from notifications.policy.suppression import COUNTRY_NOT_ALLOWED, OPTED_OUT, QUIET_HOURS, hold, suppression

JAMAICAN = "+18765550123"
TEN_AT_NIGHT = datetime(2026, 6, 1, 22, 0, tzinfo=UTC)
TEN_HOURS = timedelta(hours=10).total_seconds()


@pytest.mark.parametrize(
    ("opt_outs", "phone", "countries", "code"),
    [
        ([], JAMAICAN, [], ""),
        ([], JAMAICAN, ["JM"], ""),
        ([], JAMAICAN, ["US"], COUNTRY_NOT_ALLOWED),
        ([], "", ["US"], ""),  # an email
        (["sms"], JAMAICAN, ["US"], OPTED_OUT),
        (["email"], JAMAICAN, [], ""),
    ],
)
def test_opt_outs_come_before_countries_and_only_phones_have_one(
    opt_outs: list[str], phone: str, countries: list[str], code: str
) -> None:
    assert suppression("sms", "reminder", opt_outs=opt_outs, phone=phone, countries=countries) == code


@pytest.mark.parametrize(
    ("expires_in", "code"),
    [(None, ""), (TEN_HOURS + 1, ""), (TEN_HOURS, QUIET_HOURS), (TEN_HOURS - 1, QUIET_HOURS), (0.0, QUIET_HOURS)],
)
def test_a_message_is_held_until_morning_unless_it_is_of_no_use_by_then(expires_in: float | None, code: str) -> None:
    held = hold(parse("22-8"), now=TEN_AT_NIGHT, time_zone="UTC", expires_in=expires_in)
    assert held == (datetime(2026, 6, 2, 8, 0, tzinfo=UTC), TEN_HOURS, code)


def test_nothing_is_held_by_day_or_without_quiet_hours() -> None:
    assert hold(None, now=TEN_AT_NIGHT, time_zone="UTC", expires_in=None) is None
    assert hold(parse("23-8"), now=TEN_AT_NIGHT, time_zone="UTC", expires_in=None) is None
