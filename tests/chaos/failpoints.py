"""Places in a relay at which it can be killed, stopped or hurt on purpose: FAILPOINT="after_send:kill:3".

Production code knows nothing of them: the functions around each place are wrapped, in this process, when the test-only
app is set up. `place:action:number`: at the number-th time that the place is reached (1 by default), once.
"""

import functools
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg

from notifications.channels.base import Channel
from notifications.lifecycle import Outcome
from notifications.relay import claim, delivery, lease, maintainer, rescue, session, settle, settler
from notifications.relay import connection as relay_connection

PLACES = (
    "before_claim_commit",
    "after_claim_commit",
    "before_send",
    "after_send",
    "before_settle_commit",
    "after_promote",
    "after_settle_commit",
    "in_rescue",
)
ACTIONS = ("kill", "stop", "error")


class Hurt(RuntimeError):
    """What a failpoint raises where no connection is at hand to be broken."""


@dataclass
class Failpoint:
    """One place, armed; safe to be reached by several threads."""

    place: str
    action: str
    number: int = 1
    report: Callable[[], object] = bool
    _reached: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, wish: str, *, report: Callable[[], object] = bool) -> Self:
        """From "place:action:number"; `report` is called when it is reached. Raises ValueError."""
        place, _, rest = wish.partition(":")
        action, _, number = rest.partition(":")
        if place not in PLACES or action not in ACTIONS:
            raise ValueError(f"There is no failpoint {wish!r}.")
        return cls(place, action, int(number or 1), report)

    def reach(self, place: str, connection: psycopg.Connection[Any] | None = None) -> None:
        """Do what was ordered if it was ordered for here and now."""
        if place != self.place:
            return
        with self._lock:
            self._reached += 1
            if self._reached != self.number:
                return
        self.report()
        if self.action == "error":
            self._hurt(connection)
        os.kill(os.getpid(), signal.SIGKILL if self.action == "kill" else signal.SIGSTOP)

    def _hurt(self, connection: psycopg.Connection[Any] | None) -> None:
        if connection is None:
            raise Hurt(self.place)
        connection.close()
        raise psycopg.OperationalError(f"the connection broke at {self.place}")


def arm(failpoint: Failpoint) -> None:
    """Wrap the functions around the failpoint's place."""
    {
        "before_claim_commit": _arm_claim,
        "after_claim_commit": _arm_claim,
        "before_send": _arm_send,
        "after_send": _arm_send,
        "before_settle_commit": _arm_settle,
        "after_promote": _arm_settle,
        "after_settle_commit": _arm_settle,
        "in_rescue": _arm_rescue,
    }[failpoint.place](failpoint)


def hurry() -> None:
    """A relay whose heart beats faster, so that tests need not wait for its death."""
    for module, name, seconds in (
        (session, "HEARTBEAT_SECONDS", 0.05),
        (lease, "STALE_SECONDS", 0.2),
        (rescue, "STALE_SECONDS", 0.2),
        (maintainer, "SETTLED_SESSION_SECONDS", 0.2),
        (relay_connection, "IDLE_IN_TRANSACTION_SECONDS", 0.3),
        (relay_connection, "TRANSACTION_SECONDS", 0.5),
    ):
        getattr(module, name)
        setattr(module, name, seconds)


def shift_clock(seconds: float) -> None:
    """Have Python's wall clock off by so much, where no library does it for the whole process."""
    right = time.time
    time.time = lambda: right() + seconds


def sleep_without_a_clock() -> None:
    """libfaketime 0.9.10 takes the monotonic moment until which Python sleeps for one on the faked clock."""
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None


def _arm_claim(failpoint: Failpoint) -> None:
    def around(original: Callable[..., Any], self: Any, connection: Any, **words: Any) -> Any:
        with connection.transaction():
            claimed = original(self, connection, **words)
            if claimed:
                failpoint.reach("before_claim_commit", connection)
        if claimed:
            failpoint.reach("after_claim_commit", connection)
        return claimed

    _wrap(claim.Claimer, "claim", around)


def _arm_send(failpoint: Failpoint) -> None:
    def around(original: Callable[..., Any], self: Any, channels: Any, **words: Any) -> None:
        original(self, {name: _Mined(channel, failpoint) for name, channel in channels.items()}, **words)

    _wrap(delivery.Delivery, "__init__", around)


def _arm_settle(failpoint: Failpoint) -> None:
    def around_write(original: Callable[..., Any], connection: Any, *given: Any, **words: Any) -> Any:
        written = original(connection, *given, **words)
        failpoint.reach("before_settle_commit", connection)
        return written

    def around_promote(original: Callable[..., Any], connection: Any, *given: Any, **words: Any) -> Any:
        original(connection, *given, **words)
        failpoint.reach("after_promote", connection)

    def around_settle(original: Callable[..., Any], connection: Any, *given: Any, **words: Any) -> Any:
        waiting = original(connection, *given, **words)
        failpoint.reach("after_settle_commit", connection)
        return waiting

    _wrap(settle, "_write", around_write)
    _wrap(settle, "promote", around_promote)
    _wrap(settler, "settle", around_settle)


def _arm_rescue(failpoint: Failpoint) -> None:
    """Between the moment a relay is declared dead and the moment what it held is back."""

    def around(original: Callable[..., Any], connection: Any, departed: Any) -> Any:
        failpoint.reach("in_rescue", connection)
        return original(connection, departed)

    _wrap(maintainer, "rescue", around)


def _wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Put `around` in place of the function: it is called with the original, and then as that would have been."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*given: Any, **words: Any) -> Any:
        return around(original, *given, **words)

    setattr(owner, name, wrapped)


class _Mined:
    """A channel whose `send` is between two failpoints."""

    def __init__(self, channel: Channel, failpoint: Failpoint) -> None:
        self._channel = channel
        self._failpoint = failpoint

    def send(self, *given: Any, **words: Any) -> Outcome:
        self._failpoint.reach("before_send")
        outcome = self._channel.send(*given, **words)
        self._failpoint.reach("after_send")
        return outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)
