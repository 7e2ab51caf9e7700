"""How long a provider's HTTP answer asks us to wait, read from its Retry-After header. Pure Python.

A mail server asks in words instead: `stated_delay`.
"""

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

DEFAULT_SECONDS = 5.0  # if the answer does not say
LEAST_SECONDS, MOST_SECONDS = 1.0, 300.0


def throttled_seconds(retry_after: str | None, *, now: float) -> float:
    """The header's seconds, or the seconds to its date (RFC 9110, 10.2.3), within sane bounds; without it, a default.

    `now` is seconds since the epoch by the provider's clock: ours may be wrong.
    """
    try:
        seconds = float(retry_after) if retry_after else DEFAULT_SECONDS
    except ValueError:
        seconds = _seconds_until(str(retry_after), now=now)
    if math.isnan(seconds):
        seconds = DEFAULT_SECONDS
    return min(max(seconds, LEAST_SECONDS), MOST_SECONDS)


def _seconds_until(date: str, *, now: float) -> float:
    try:
        moment = parsedate_to_datetime(date)
        # Without a zone, or with -0000, it is in UTC too, and not in this host's time.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return DEFAULT_SECONDS
