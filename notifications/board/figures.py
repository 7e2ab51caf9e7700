"""The board's figures, as the selectors hand them to the page."""

from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from notifications.board.route_figures import RoutedChannel
from notifications.policy.causes import Cause, cause_of, reason
from notifications.policy.runbook import Trouble
from notifications.policy.spending import Spent
from notifications.protocol.histogram import SIZE, quantile
from notifications.selectors.held_words import HeldWords
from notifications.selectors.just_failed import JustFailed


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, or at least if `is_capped`. `sampled` is the latest full count, made `at` that time."""

    number: int
    is_capped: bool = False
    sampled: int | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        if not self.is_capped:
            return f"{self.number:,}"
        if self.sampled is not None and self.sampled > self.number and self.at:
            return f"about {self.sampled:,}"
        return f"over {self.number:,}"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long messages took from publication to acceptance, in seconds; None where nothing was sent."""

    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, buckets: list[int]) -> "Delay":
        return cls(quantile(buckets, 0.5), quantile(buckets, 0.95))


@dataclass(slots=True)
class Flow:
    """How many messages were sent, failed and so on in a stretch of time."""

    sent: int = 0
    failed: int = 0
    delays: list[int] = field(default_factory=lambda: [0] * SIZE)

    def add(self, sent: int, failed: int, delays: list[int]) -> None:
        self.sent += sent
        self.failed += failed
        self.delays = [mine + theirs for mine, theirs in zip(self.delays, delays, strict=True)]

    @property
    def delay(self) -> Delay:
        return Delay.of(self.delays)


@dataclass(frozen=True, slots=True)
class Depth:
    """How much was unfinished at a time."""

    waiting: int
    due: int
    sending: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time on a plot's axis: what happened in it, and how much waited. None: nobody counted then."""

    begins: datetime
    flow: Flow | None
    depth: Depth | None


def outage(last_error: str) -> str:
    """Why a channel is out of service, as far as its provider's last error says it."""
    return reason(last_error) if last_error else "its provider is out of service"


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """A channel's state for all relays, and what it did in the last minute and hour."""

    name: str
    state: str
    since: datetime | None
    why: str
    probe_at: datetime | None
    last_error: str
    due: Count
    later: Count
    oldest_due: float | None
    rate_limit: float
    sent: int
    failed: int
    hour: Flow
    is_configured: bool

    @property
    def is_limited(self) -> bool:
        return self.rate_limit < inf

    @property
    def is_out(self) -> bool:
        """Whether nothing but probes goes to its provider."""
        return self.state in ("broken", "refused")

    @property
    def is_shut(self) -> bool:
        """Whether its messages wait."""
        return self.is_out or self.state == "paused"


@dataclass(frozen=True, slots=True)
class RelayFigures:
    """A relay: its process, its load, and what it was told to do."""

    id: int
    host: str
    pid: int
    concurrency: int
    in_flight: int
    started_at: datetime
    heartbeat_at: datetime
    load: float | None
    command: str
    release: str
    heartbeat_age: float
    is_lost: bool
    settled: int


@dataclass(frozen=True, slots=True)
class BlockedLane:
    """A lane whose head cannot go now, and how many wait behind it."""

    message: int
    recipient: int
    lane: str
    channel: str
    error_code: str
    next_attempt_at: datetime
    since: datetime
    behind: Count


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed messages with the same reason."""

    channel: str
    error_code: str
    count: int
    last_at: datetime

    @property
    def cause(self) -> Cause:
        return cause_of(self.error_code)


@dataclass(frozen=True, slots=True)
class Retried:
    """Heads of lanes that wait for another attempt, after the same failure."""

    channel: str
    error_code: str
    count: int


@dataclass(frozen=True, slots=True)
class HeldUp:
    """At least `count` messages of `channel` wait because a message by `behind`, ahead of them, cannot go."""

    channel: str
    behind: str
    count: int


@dataclass(frozen=True, slots=True)
class ScheduleFigures:
    """A scheduled task."""

    name: str
    next_run: datetime | None
    is_paused: bool
    is_late: bool
    last_run: datetime | None
    has_failed: bool
    failures: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole board at one moment, by the database's clock. `unseen`: dead letters that nobody has looked at.
    `clock`: what is wrong with the clock, if anything. `own`: the application's troubles, with what is wrong.
    `release`: that of the process which reads the board. `spent`: today, of countries with a cap of money.
    """

    now: datetime
    queued: Count
    sending: Count
    failed: Count
    due: Count
    later: Count
    oldest_due: float | None
    channels: list[ChannelFigures]
    relays: list[RelayFigures]
    last_minute: Flow
    last_hour: Flow
    last_day: Flow
    hour: list[Stretch]
    day: list[Stretch]
    blocked: list[BlockedLane]
    failures: list[Failures]
    held_words: list[HeldWords]
    just_failed: list[JustFailed]
    unseen: int
    retried: list[Retried]
    held_up: list[HeldUp]
    clock: str
    release: str
    receipts: list[tuple[str, list[int]]]
    schedules: list[ScheduleFigures] | None
    own: list[tuple[Trouble, str]] = field(default_factory=list)
    routed: list[RoutedChannel] = field(default_factory=list)
    is_read_only: bool = False
    spent: list[Spent] = field(default_factory=list)
