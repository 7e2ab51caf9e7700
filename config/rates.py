"""How many requests somebody may make, counted over all web processes.

Each key has one moment in the database: when its allowance will be whole again (the generic cell rate algorithm). A
request moves it on by its cost, and is refused if less than that is left. So nobody gets twice the rate at the turn of
a minute, and the moment until which to wait is exact.

A process reports its requests in steps of a twenty-fifth of the rate. Far below the limit a request costs no statement,
and a process lets through at most a step more than the rate. A key that was refused is remembered, so a flood costs no
statements either. While the database is away, each process counts alone.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, connection

from notifications.protocol.sql_moments import after
from notifications.shards import current, within_shard

STEPS = 25
MOST_KEYS = 20_000  # that a process remembers; the longest unused are forgotten first
ALONE_SECONDS = 5.0  # after the database did not answer

# A row comes back if there is room for one request. What is reported late never fills more than the whole allowance.
# `excluded.whole_at` is this statement's moment, and the cost: Citus allows no clock in ON CONFLICT.
REPORT = f"""
INSERT INTO config_requestrate AS kept (key, whole_at)
VALUES (%(key)s, statement_timestamp() + make_interval(secs => %(cost)s))
ON CONFLICT (key) DO UPDATE SET whole_at = least(
    greatest({after("kept.whole_at", "%(cost)s")}, excluded.whole_at),
    {after("excluded.whole_at", "%(period)s - %(cost)s")})
WHERE kept.whole_at <= {after("excluded.whole_at", "%(period)s - %(one)s - %(cost)s")}
RETURNING 1
"""  # noqa: S608  (expressions of ours)
WAIT = "SELECT extract(epoch FROM whole_at - clock_timestamp())::float8 FROM config_requestrate WHERE key = %s"


@dataclass(frozen=True, slots=True)
class Rate:
    """`most` requests in `period` seconds."""

    most: int
    period: float

    @property
    def interval(self) -> float:
        """The seconds that one request costs."""
        return self.period / self.most

    @property
    def step(self) -> int:
        return max(1, self.most // STEPS)


@dataclass(slots=True)
class _Known:
    """What a process knows of a key. Moments are the process's own clock's."""

    unreported: int = 0
    since: float = 0.0
    refused_until: float = 0.0
    whole_at: float = 0.0  # while counting alone


class Counter:
    """Counts the requests of one process, and shares them with the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._alone_until: dict[str, float] = {}  # by shard, whose databases are away by themselves

    def forget(self) -> None:
        """Begin anew, as a process does."""
        with self._lock:
            self._known.clear()
            self._alone_until.clear()

    def seconds_to_wait(self, key: str, rate: Rate) -> float:
        """0 if the request of `key` may pass; otherwise how long until one may. Each shard counts its own requests."""
        key, now = within_shard(key), self._clock()
        with self._lock:
            known = self._entry(key)
            if known.refused_until > now:
                return known.refused_until - now
            if now < self._alone_until.get(current(), 0.0):
                return _wait_alone(known, rate, now=now)
            if now - known.since > rate.period:  # too long ago to count
                known.unreported, known.since = 0, now
            known.unreported += 1
            if known.unreported < rate.step:
                return 0.0
            unreported, known.unreported = known.unreported, 0
        return self._reported(key, rate, unreported)

    def _entry(self, key: str) -> _Known:
        known = self._known.setdefault(key, _Known())
        self._known.move_to_end(key)
        if len(self._known) > MOST_KEYS:
            self._known.popitem(last=False)
        return known

    def _reported(self, key: str, rate: Rate, requests: int) -> float:
        try:
            wait = _report(key, rate, requests)
        except DatabaseError:
            connection.close_if_unusable_or_obsolete()  # the view makes its own attempt, and answers for it
            with self._lock:
                now = self._clock()
                self._alone_until[current()] = now + ALONE_SECONDS
                return _wait_alone(self._entry(key), rate, now=now)
        with self._lock:
            self._entry(key).refused_until = self._clock() + wait
        return wait


def _report(key: str, rate: Rate, requests: int) -> float:
    with connection.cursor() as cursor:
        cost = {"cost": requests * rate.interval, "one": rate.interval, "period": rate.period}
        cursor.execute(REPORT, {"key": key, **cost})
        if cursor.fetchone():
            return 0.0
        cursor.execute(WAIT, [key])
        row = cursor.fetchone()
    return max(0.001, row[0] - (rate.period - rate.interval)) if row else 0.0


def _wait_alone(known: _Known, rate: Rate, *, now: float) -> float:
    whole_at = max(known.whole_at, now) + rate.interval
    if (wait := whole_at - (now + rate.period)) > 1e-6:  # of rounding
        return wait
    known.whole_at = whole_at
    return 0.0


counter = Counter()
