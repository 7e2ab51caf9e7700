"""What travels through the relay: a claimed message, and the settlement that its delivery ends in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from notifications.lifecycle import Outcome, Status
from notifications.policy.push import Device
from notifications.policy.routes import Tried, key_of
from notifications.policy.spending import Charge

Clock = Callable[[], float]  # seconds, monotonic
Claim = tuple[int, int]  # a message and the number of a claim of it


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
    expires_in: float | None  # seconds, by the database's clock, from `asked_at` on
    unknown_since: datetime | None
    phone: str
    email: str
    locale: str
    time_zone: str
    opt_outs: list[str]
    relay_id: int  # of the relay's row when it claimed this
    earlier: "EarlierAttempts | None" = None  # where one of them may have been accepted
    devices: tuple[Device, ...] = ()  # the recipient's browsers, where its channel pushes to them
    charge: Charge | None = None  # what it costs over its route, where that has a price
    route: str = ""  # over which it goes, where its channel has several
    history: "RouteHistory | None" = None  # where its channel has several routes
    inbound_age: float | None = None  # seconds since its recipient last wrote to us on this channel, where that matters

    asked_at: float | None = None  # a reading of Clock before the database said it; only where the message expires

    @property
    def claim(self) -> Claim:
        """A relay that lives on after it was declared dead may have two claims of one message in hand."""
        return self.id, self.claim_number

    @property
    def key(self) -> str:
        """The key of its route: the channel's name, where that has only one."""
        return key_of(self.channel, self.route) if self.route else self.channel

    @property
    def push(self) -> str:
        """What stands for an address, where it goes to browsers: their ids."""
        return ",".join(str(device.id) for device in self.devices)

    @property
    def is_expired(self) -> bool:
        return self.expires_in is not None and self.expires_in <= 0

    def at(self, now: float) -> "Claimed":
        """This message at `now`, a reading of Clock: with what is left of `expires_in`, and rather less than more.

        The database's clock alone decides: it said how long is left, and from then on only the time that passed counts.
        """
        if self.expires_in is None or self.asked_at is None:
            return self
        return self._replace(expires_in=self.expires_in - (now - self.asked_at), asked_at=now)


def asked_for(claimed: Iterable[Claimed], asked_at: float) -> list[Claimed]:
    """`claimed`, for which the database was asked after `asked_at`, a reading of Clock."""
    return [each if each.expires_in is None else each._replace(asked_at=asked_at) for each in claimed]


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


@dataclass(frozen=True, slots=True)
class RouteHistory:
    """What is known of a message on its channel's routes. `unknown`: those whose answer was lost, for `unknown_for`
    seconds at `read_at`, a reading of Clock. `proven`: the one whose provider has it, as a receipt has shown since.
    """

    tried: Tried = field(default_factory=Tried)
    unknown: tuple[str, ...] = ()
    unknown_for: float = 0.0
    proven: str | None = None
    read_at: float = 0.0


NOT_READ = EarlierAttempts()  # could not be looked up


class Settlement(NamedTuple):
    """Where a claimed message goes next, and, if an attempt was made, its `outcome`, which is recorded, and the
    `address` that it went to.

    `delay` is in seconds; None leaves the message due when it was. `deferrals`: None leaves them as they were. `began`
    and `ended` are readings of `Clock` at the attempt's start and end. `tried` are the routes that refused the message,
    and `route` the one that the outcome is of, where they are not as they were at the claim. One is made for each
    message, so it is a tuple: a frozen dataclass takes four times as long to make.
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
    tried: str | None = None
    route: str | None = None

    @property
    def frees_lane(self) -> bool:
        """Whether the message no longer leads its lane: it has ended, or is held outside the lane (`queued`)."""
        return self.status is not Status.PENDING
