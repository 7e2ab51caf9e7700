"""Which fault happens when: a pure function of the seed and the minutes, so that a campaign can be repeated.

A campaign is cut into windows, one for each disturbance, in an order that the seed decides. What is disturbed heals
after its window or somewhat later, so that disturbances overlap; only a restart of the database, whose recovery is
measured, has its window to itself, and so has the loss of a primary.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

RELAYS = ("relay-1", "relay-2", "relay-3")
LEASE_SECONDS, SEND_TIMEOUT_SECONDS, HANG_SECONDS = 4.0, 2.0, 2.6
CODE_SECONDS = 8.0  # that a code holds: long enough to be read, short enough to expire in an outage
CALM_BEFORE_SECONDS = 4.0  # customers log in, relays look around
# By channel, its routes: each the provider of one of the two stand-ins.
ROUTES = {"sms": ("twilio", "vonage"), "whatsapp": ("twilio", "meta"), "email": ("smtp", "resend")}
PROVIDERS = ("twilio", "smtp", "vonage", "meta", "resend")
PATIENCE_SECONDS, SLOW_SECONDS, RETURN_SECONDS = 5.0, 1.0, 5.0  # with a route: docs/routes.md
# How a provider fails for a while; `providers` says what each means.
MOODS = ("refusing", "throttling", "unauthorized", "slow", "hanging", "swallowing", "mumbling", "resetting", "down")
LOSSES = ("killed", "silent", "read-only")  # how a primary is lost; `director` says what each means
MINES = ("before_claim_commit", "after_claim_commit", "before_send", "after_send")
MINES += ("before_settle_commit", "after_promote", "after_settle_commit", "in_rescue")


@dataclass(frozen=True, slots=True)
class Fault:
    """What the director does at `at` seconds after the start; `value` says how, in the action's own words."""

    at: float
    action: str
    target: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.at:7.2f}  {self.action} {self.target} {self.value}".rstrip()


@dataclass(frozen=True, slots=True)
class Window:
    """A disturbance and how many seconds it wants to itself."""

    name: str
    seconds: float


def plan(*, seed: int, minutes: float, failover: bool = False) -> tuple[Fault, ...]:
    """The faults of a campaign, in order of time; with `failover`, the primary is lost twice at least."""
    choose = random.Random(f"{seed} {minutes:g}")
    windows = _windows(minutes, choose)
    if failover:
        windows += [Window("failover", 20.0)] * max(2, round(0.6 * minutes))
        choose.shuffle(windows)
    available = 60.0 * minutes - CALM_BEFORE_SECONDS
    stretch = available / sum(window.seconds for window in windows)
    writer = _Writer(choose)
    at = CALM_BEFORE_SECONDS
    for window in windows:
        writer.write(window, at, at + window.seconds * stretch)
        at += window.seconds * stretch
    end = 60.0 * minutes
    healed = [Fault(min(fault.at, end), fault.action, fault.target, fault.value) for fault in writer.faults]
    return tuple(sorted(healed, key=lambda fault: fault.at))


def count(faults: tuple[Fault, ...], action: str) -> int:
    return sum(fault.action == action for fault in faults)


def _windows(minutes: float, choose: random.Random) -> list[Window]:
    """How many disturbances of each kind: 12 kills a minute, and one of the rare ones at least."""

    def some(name: str, per_minute: float, seconds: float, *, least: int = 1) -> list[Window]:
        return [Window(name, seconds)] * max(least, round(per_minute * minutes))

    windows = [
        *some("kill relay", 8.0, 2.4),
        *some("kill web worker", 2.4, 1.2),
        *some("kill web", 0.4, 2.0),
        *some("kill qcluster", 1.2, 1.0),
        *some("restart database", 1.2, 7.0),
        *some("cut database", 1.4, 2.5),
        *some("cut provider", 0.8, 1.5),
        *some("cut gateway", 0.4, 1.5),
        *some("stall database", 0.7, 2.5),
        *some("slow network", 0.4, 1.5),
        *some("stop relay", 1.4, 2.0),
        *some("mood", 1.6, 2.5),
        *some("fill disk", 0.1, 8.0),
        *some("skew clock", 0.3, 2.0),
        *some("deploy", 0.2, 12.0),
        *some("replay", 0.3, 0.5),
    ]
    choose.shuffle(windows)
    return windows


class _Writer:
    """Writes the faults of one window after the other; remembers until when each relay is away."""

    def __init__(self, choose: random.Random) -> None:
        self.faults: list[Fault] = []
        self._choose = choose
        self._away_until: dict[str, float] = dict.fromkeys(RELAYS, 0.0)
        self._mood_until = 0.0
        self._losses = list(LOSSES)

    def write(self, window: Window, begin: float, end: float) -> None:
        writers: dict[str, Callable[[float, float], Iterator[Fault]]] = {
            "kill relay": self._kill_relay,
            "kill web worker": lambda at, _: self._one(at, "kill", "web", str(self._choose.randrange(2))),
            "kill web": lambda at, _: self._one(at, "kill", "web", "all"),
            "kill qcluster": lambda at, _: self._one(at, "kill", "qcluster", "all"),
            "restart database": lambda at, _: self._one(
                at, "restart", "database", self._choose.choice(("fast", "immediate", "immediate", "crash"))
            ),
            "cut database": self._cut_database,
            "cut provider": self._cut_provider,
            "cut gateway": lambda at, _: self._passing(at, "cut", "gateway", self._between(0.5, 3.0)),
            "stall database": self._stall_database,
            "slow network": self._slow,
            "stop relay": self._stop_relay,
            "mood": self._mood,
            "fill disk": lambda at, _: self._fill_disk(at),
            "skew clock": self._skew,
            "deploy": self._deploy,
            "failover": self._failover,
            "replay": lambda at, _: self._one(at, "replay", "dead letters"),
        }
        self.faults += writers[window.name](begin, end)

    def _between(self, least: float, most: float) -> float:
        return round(self._choose.uniform(least, most), 2)

    def _one(self, at: float, action: str, target: str, value: str = "") -> Iterator[Fault]:
        yield Fault(at, action, target, value)

    def _passing(self, at: float, action: str, target: str, seconds: float, value: str = "") -> Iterator[Fault]:
        yield Fault(at, action, target, value)
        yield Fault(at + seconds, "mend", target)

    def _relay(self, at: float, *, away: float = 0.0) -> str:
        """One that is not away just now, if there is one; it will be for `away` seconds."""
        here = [name for name in RELAYS if self._away_until[name] <= at]
        name = self._choose.choice(here or list(RELAYS))
        self._away_until[name] = max(self._away_until[name], at + away)
        return name

    def _kill_relay(self, at: float, end: float) -> Iterator[Fault]:
        """Every third successor steps on a mine: it is killed, stopped or hurt just there, a little later."""
        mine = ""
        if self._choose.random() < 1 / 3:
            does = self._choose.choice(("kill", "kill", "stop", "error"))
            mine = f"{self._choose.choice(MINES)}:{does}:{self._choose.randrange(1, 30)}"
        yield Fault(at, "kill", self._relay(at), mine)

    def _failover(self, at: float, end: float) -> Iterator[Fault]:
        """Each way once before any comes again."""
        self._losses = self._losses or list(LOSSES)
        return self._one(at, "failover", "database", self._losses.pop(self._choose.randrange(len(self._losses))))

    def _cut_database(self, at: float, end: float) -> Iterator[Fault]:
        if self._choose.random() < 0.25:
            return self._passing(at, "cut", "database:*", self._between(0.3, 3.0))
        if self._choose.random() < 0.25:
            return self._passing(at, "cut", "database:web", self._between(0.3, 3.0))
        seconds = self._between(0.3, LEASE_SECONDS + 2)
        return self._passing(at, "cut", f"database:{self._relay(at, away=seconds)}", seconds)

    def _cut_provider(self, at: float, end: float) -> Iterator[Fault]:
        provider = self._choose.choice(PROVIDERS)
        return self._passing(at, "cut", f"{provider}:{self._relay(at)}", self._between(0.3, 4.0))

    def _stall_database(self, at: float, end: float) -> Iterator[Fault]:
        """Nothing is closed, and nothing comes through: what a lost route looks like."""
        if self._choose.random() < 0.2:
            return self._passing(at, "stall", "database:web", self._between(1.0, 4.0))
        seconds = self._between(1.0, LEASE_SECONDS + 4)
        return self._passing(at, "stall", f"database:{self._relay(at, away=seconds)}", seconds)

    def _slow(self, at: float, end: float) -> Iterator[Fault]:
        provider = self._choose.choice(PROVIDERS)
        links = (("database:*", 0.02), (f"{provider}:*", 0.1 if provider == "smtp" else 0.3), ("gateway", 0.5))
        what, most = self._choose.choice(links)
        return self._passing(at, "slow", what, self._between(2.0, 6.0), f"{self._choose.uniform(most / 5, most):.3f}")

    def _stop_relay(self, at: float, end: float) -> Iterator[Fault]:
        seconds = LEASE_SECONDS + self._between(1.0, 4.0)
        name = self._relay(at, away=seconds)
        yield Fault(at, "stop", name)
        yield Fault(at + seconds, "resume", name)

    def _mood(self, at: float, end: float) -> Iterator[Fault]:
        """One at a time, since the calm after it is for all."""
        at = max(at, self._mood_until + 0.5)
        mood, seconds = self._choose.choice(MOODS), self._between(2.0, 6.0)
        share = self._choose.choice((0.1, 0.3, 1.0))
        self._mood_until = at + seconds
        route = self._choose.choice([f"{channel}:{route}" for channel, routes in ROUTES.items() for route in routes])
        yield Fault(at, "mood", route, f"{mood}:{share:g}:{self._choose.randrange(10**6)}")
        yield Fault(at + seconds, "calm", "providers")

    def _fill_disk(self, at: float) -> Iterator[Fault]:
        yield Fault(at, "fill", "disk")
        yield Fault(at + 4.0, "free", "disk")

    def _skew(self, at: float, end: float) -> Iterator[Fault]:
        seconds = self._choose.choice((-86_400, -3_600, -90, 90, 3_600, 86_400))
        yield Fault(at, "skew", RELAYS[2], str(seconds))

    def _deploy(self, at: float, end: float) -> Iterator[Fault]:
        step = (end - at) / 6
        yield Fault(at, "migrate", "database")
        for number, target in enumerate((*RELAYS, "web", "qcluster"), start=1):
            yield Fault(at + number * step, "replace", target)
