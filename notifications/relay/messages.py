"""What travels through the relay: a message that was claimed, and the settlement that its delivery came to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from notifications.lifecycle import Outcome, Status

Clock = Callable[[], float]  # seconds, monotonic


class Claimed(NamedTuple):
    """A claimed message, in the order of CLAIM's columns. `claim_number` is its fencing token."""

    id: int
    claim_number: int
    recipient_id: int
    lane: str
    kind: str
    channel: str
    context: str  # JSON as the database has it: the sending threads read it
    traceparent: str
    attempts: int
    rescues: int
    next_attempt_at: datetime
    expires_in: float | None  # seconds
    unknown_since: datetime | None
    phone: str
    email: str
    locale: str
    time_zone: str
    opt_outs: list[str]
    relay_id: int  # the number under which it was claimed
    doubt: "Doubt | None" = None
    inbound_age: float | None = None  # seconds since its recipient last wrote to us there, where that matters

    @property
    def is_expired(self) -> bool:
        return self.expires_in is not None and self.expires_in <= 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is known of earlier attempts at a message, one of which may have been accepted.

    `accepted_as`: the provider has since told us that it has the message, under this name; `known`: names that belong
    to other messages; `is_shared`: someone else with the same number is in doubt, so that words alone prove nothing.
    """

    accepted_as: str = ""
    known: frozenset[str] = frozenset()
    is_shared: bool = False


UNREAD = Doubt()  # could not be looked up


class Settlement(NamedTuple):
    """Where a claimed message goes next, and the attempt to record, if one was made: `outcome`.

    `delay` is in seconds; None leaves the message due when it was. `began` and `ended`, the attempt's, are readings of
    `Clock`. A tuple, as one is made for each message: a frozen dataclass takes four times as long to make.
    """

    message: Claimed
    status: Status
    attempts: int
    delay: float | None = None
    outcome: Outcome | None = None
    code: str | None = None
    began: float = 0.0
    ended: float = 0.0

    @property
    def frees_lane(self) -> bool:
        """Whether the message leads its lane no longer: it has ended, or is held beside it (`queued`)."""
        return self.status is not Status.PENDING
