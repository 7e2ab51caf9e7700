"""What travels through the relay: a claimed message, and the settlement that its delivery ends in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from notifications.lifecycle import Outcome, Status

Clock = Callable[[], float]  # seconds, monotonic


class Claimed(NamedTuple):
    """A claimed message. The fields without a default are the columns of the statement CLAIM, by name.

    `claim_number` is the fencing token.
    """

    id: int
    claim_number: int
    recipient_id: int
    lane: str
    kind: str
    channel: str
    context: str  # JSON as the database has it: the sending threads read it
    traceparent: str
    attempts: int
    deferrals: int
    rescues: int
    next_attempt_at: datetime
    expires_in: float | None  # seconds
    unknown_since: datetime | None
    phone: str
    email: str
    locale: str
    time_zone: str
    opt_outs: list[str]
    relay_id: int  # of the relay's row when it claimed this
    earlier: "EarlierAttempts | None" = None  # where one of them may have been accepted
    inbound_age: float | None = None  # seconds since its recipient last wrote to us on this channel, where that matters

    @property
    def is_expired(self) -> bool:
        return self.expires_in is not None and self.expires_in <= 0


COLUMNS = tuple(name for name in Claimed._fields if name not in Claimed._field_defaults)


def claimed_by_name(names: Sequence[str]) -> Callable[[Sequence[Any]], Claimed]:
    """What makes a Claimed of a row whose columns have these names, in any order. ValueError if one is missing."""
    if tuple(names) == COLUMNS:
        return lambda row: Claimed(*row)
    pick = itemgetter(*map(list(names).index, COLUMNS))
    return lambda row: Claimed(*pick(row))


@dataclass(frozen=True, slots=True)
class EarlierAttempts:
    """What is known of earlier attempts at a message, one of which may have been accepted.

    `accepted_as`: a receipt has since shown that the provider has the message, under this id. `known`: the provider's
    ids of other messages. `is_shared`: another message to the same number has an unknown outcome too, so the text alone
    does not show which of them the provider has. `address`: where the last of unknown outcome went; empty if nobody
    knows. The first of them began `began_ago` seconds before `read_at`, a
    reading of Clock, and the outcome of the last was then unknown for `unknown_for` seconds.
    """

    accepted_as: str = ""
    known: frozenset[str] = frozenset()
    is_shared: bool = False
    began_ago: float = 0.0
    unknown_for: float = 0.0
    address: str = ""
    read_at: float = 0.0


NOT_READ = EarlierAttempts()  # could not be looked up


class Settlement(NamedTuple):
    """Where a claimed message goes next, and, if an attempt was made, its `outcome`, which is recorded, and the
    `address` that it went to.

    `delay` is in seconds; None leaves the message due when it was. `deferrals`: None leaves them as they were. `began`
    and `ended` are readings of `Clock` at the attempt's start and end. One is made for each message, so it is a tuple:
    a frozen dataclass takes four times as long to make.
    """

    message: Claimed
    status: Status
    attempts: int
    delay: float | None = None
    outcome: Outcome | None = None
    code: str | None = None
    began: float = 0.0
    ended: float = 0.0
    address: str = ""
    deferrals: int | None = None
    detail: str | None = None

    @property
    def frees_lane(self) -> bool:
        """Whether the message no longer leads its lane: it has ended, or is held outside the lane (`queued`)."""
        return self.status is not Status.PENDING
