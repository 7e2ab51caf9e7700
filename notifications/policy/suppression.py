"""Decides whether a message must not be sent, because of an opt-out, a country or quiet hours. Pure Python.

The same rule holds when a message is published and right before it is sent: opt-outs, addresses and the allowed
countries may change in between. A suppressed message ends as cancelled, with one of these codes, and the next message
of its lane goes on.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from notifications.policy import phone_numbers
from notifications.policy.consent import is_wanted
from notifications.policy.quiet_hours import QuietHours

OPTED_OUT = "opted_out"  # the recipient does not want it
QUIET_HOURS = "quiet_hours"  # it may wait, but would be of no use after the quiet hours
NO_ADDRESS = "no_address"  # the recipient has none for the channel, and is reached on another
COUNTRY_NOT_ALLOWED = "country_not_allowed"  # the number's country is not in OUTBOX_ALLOWED_COUNTRIES


def suppression(
    channel: str, purpose: str, *, opt_outs: Collection[str], phone: str = "", countries: Collection[str] = ()
) -> str:
    """The code of why nothing of `purpose` may be sent on `channel`, or an empty text.

    `phone` is empty for a channel that does not send to phones. No `countries` allow all.
    """
    if opt_outs and not is_wanted(channel, purpose, opt_outs=opt_outs):
        return OPTED_OUT
    if countries and phone and not phone_numbers.is_allowed(phone, countries):
        return COUNTRY_NOT_ALLOWED
    return ""


class Hold(NamedTuple):
    """A message is held `until` the quiet hours end, in `seconds`; with a `code`, it is suppressed instead."""

    until: datetime
    seconds: float
    code: str


def hold(hours: QuietHours | None, *, now: datetime, time_zone: str, expires_in: float | None) -> Hold | None:
    """What the quiet `hours` mean for a message that is due `now` and expires in so many seconds; None: it is sent."""
    until = hours.end_after(now, time_zone=time_zone) if hours else None
    if until is None:
        return None
    seconds = (until - now).total_seconds()
    return Hold(until, seconds, QUIET_HOURS if expires_in is not None and expires_in <= seconds else "")
