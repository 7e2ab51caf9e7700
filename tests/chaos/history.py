"""What happened in a campaign, as it was seen from outside: plain records, which the checker judges.

Moments are seconds since the epoch. A message is known from outside by what it says: for whom, about which slot, of
which kind, on which channel; in a campaign nobody books the same slot twice. What goes to an address that need not be
anybody's, as codes do, is about "Code 17" or "Change 3", and its customer is the address.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

CODE = "Code "  # how the name of what a code is about begins


class Word(NamedTuple):
    """What a message says, and to whom: its identity at the providers."""

    customer: str
    slot: str
    kind: str
    channel: str

    @property
    def is_code(self) -> bool:
        return self.slot.startswith(CODE)

    @property
    def lane(self) -> tuple[str, bool]:
        """Codes have a lane of their own beside everything else of the same recipient."""
        return self.customer, self.is_code

    def told(self) -> str:
        """For people."""
        return f"{self.kind} of {self.slot} by {self.channel}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not have happened, and to whom."""

    customer: str
    words: str


@dataclass(frozen=True, slots=True)
class Call:
    """What a route's provider saw: a message was handed over from `began` to `ended`, taken or not, and its price."""

    word: Word
    began: float
    ended: float
    accepted: bool
    sid: str = ""
    price: Decimal | None = None
    segments: int = 0
    route: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shop answered a customer: 201 or 200 to a payment or a cancellation, or a refusal with its code.

    Of codes, and who came in by one: `code`, 202 to who asked for one; `entered`, somebody is about to enter it;
    `guessed`, or another one; `signed_up`, with the status as `code`; `signed_in`; `moved`, the address is not used any
    more.
    """

    customer: str
    slot: str
    what: str  # booked, cancelled, refused; or see above
    asked: float
    answered: float
    booking: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message as the shop's API tells it of a booking."""

    channel: str
    kind: str
    status: str


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as the shop's API tells it after the campaign."""

    id: int
    customer: str
    slot: str
    status: str
    payment: str
    amount: int
    notifications: Sequence[Notification]


@dataclass(frozen=True, slots=True)
class Account:
    """An account that was made in the campaign, by an address of it."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment in the gateway's books."""

    id: str
    customer: str
    slot: str
    state: str  # captured, refunded, failed
    amount: int


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund in the gateway's books."""

    payment: str
    amount: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message's row after the campaign: the dead letter is asked, and the order of ids is the order of commits."""

    id: int
    word: Word
    status: str
    attempts: int
    replays: int = 0
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claim that was begun, as the outbox recorded it."""

    message: int
    claim: int
    answer: str
    code: str
    began: float | None
    ended: float
    route: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the report of usage says of a kind on a channel."""

    kind: str
    channel: str
    sent: int
    priced: int = 0
    segments: int = 0
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a message's status, and which process's session made it. `was` empty: written; `became`: gone."""

    at: float
    message: int
    claim: int
    rescues: int
    was: str
    became: str
    process: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What the director did, and until when it lasted. `process` is the one that it was done to."""

    what: str
    target: str
    began: float
    ended: float
    process: str = ""


@dataclass(slots=True)
class History:
    """All of it. `priced`: the providers' names of the messages whose price the outbox knows. `is_strict`: the lease
    alone decides, so that no two sends of one user may ever overlap.
    """

    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    tasks: list[float] = field(default_factory=list)  # when qcluster began what was queued at a failover
    usage: list[Counted] = field(default_factory=list)
    priced: frozenset[str] = frozenset()
    is_strict: bool = False
