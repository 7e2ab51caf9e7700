"""Whether a channel or a route is open, paused, out of service or recovering; since when, and why."""

from datetime import datetime, timedelta
from typing import Protocol

from notifications.board.figures import outage
from notifications.policy.causes import cause_of

RECOVERING = timedelta(seconds=12)  # for which a channel that came back sends at a rising rate
OPEN = ("open", None, "")
Standing = tuple[str, datetime | None, str]


class State(Protocol):
    """What a row of channel states says."""

    @property
    def paused_at(self) -> datetime | None: ...
    @property
    def paused_by(self) -> str: ...
    @property
    def pause_reason(self) -> str: ...
    @property
    def broken_at(self) -> datetime | None: ...
    @property
    def probes(self) -> int: ...
    @property
    def recovered_at(self) -> datetime | None: ...
    @property
    def last_error(self) -> str | None: ...


def standing(
    read: State, now: datetime, *, recovering: timedelta = RECOVERING, rises: str = "its rate rises step by step"
) -> Standing:
    """The state, since when, and why. `recovering`: for how long after an outage it `rises`."""
    if read.paused_at:
        return "paused", read.paused_at, by(read.paused_by, read.pause_reason)
    if read.broken_at:
        code = read.last_error or ""
        state = "refused" if cause_of(code).is_refusal else "broken"
        return state, read.broken_at, f"{outage(code)}; {read.probes} probes failed"
    if read.recovered_at and now - read.recovered_at < recovering:
        return "recovering", read.recovered_at, rises
    return OPEN


def by(who: str, reason: str) -> str:
    """Who did something, and why."""
    return f"by {who}" + (f": {reason}" if reason else "")
