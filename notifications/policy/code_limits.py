"""How many codes may be sent in an hour and in a day. Pure Python."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from notifications.errors import TooManyCodes

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Limits(Protocol):
    """What the settings allow."""

    @property
    def per_hour(self) -> int: ...
    @property
    def per_day(self) -> int: ...


def check_limits(sent: Sequence[datetime], *, limits: Limits, now: datetime) -> None:
    """`sent`: when codes were sent within a day, the earliest first. Raises TooManyCodes if one more is too many."""
    last_hour = [moment for moment in sent if moment > now - HOUR]
    for moments, most, period in ((last_hour, limits.per_hour, HOUR), (sent, limits.per_day, DAY)):
        if len(moments) >= most:
            raise TooManyCodes(retry_after=max(1, int((moments[-most] + period - now).total_seconds()) + 1))
