"""The relay's loop, which only wires the roles together: heartbeat, settle, claim, sleep until something happens.

All database work is done here, by one thread on one connection; sending threads and the listener only wake it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg

from notifications.backoff import RetryPolicy
from notifications.channels.base import Channel
from notifications.relay.claim import Claimer, is_anything_left, seconds_to_next_due
from notifications.relay.delivery import Delivery
from notifications.relay.dispatch import Dispatcher
from notifications.relay.lease import Lease
from notifications.relay.parcels import Settlement
from notifications.relay.session import DatabaseUnreachable, Session
from notifications.relay.settle import settle
from notifications.relay.wakeup import Listener, Wake
from notifications.telemetry import emit

POLL_SECONDS = 10.0  # the safety net under NOTIFY
DRAIN_POLL_SECONDS = 0.2  # while draining: another relay may hold what is left
LOCKED_LANE_SECONDS = 0.005  # until a settle is tried again whose recipient was locked
SHORTEST_SLEEP_SECONDS = 0.02  # while another relay is just claiming what is due
LINGER_SECONDS = 0.002  # while sends are running: what ends within it is settled in one batch


@dataclass(frozen=True, slots=True)
class Options:
    """What an operator chooses: seconds; `concurrency`, sends at once, and `batch`, messages in hand, per channel."""

    database: str
    concurrency: int
    batch: int
    lease: float
    send_timeout: float
    grace: float
    prompt_rescue: bool
    drain: bool


class Loop:
    """A relay's loop: `run` returns once stopped, or, with `drain`, once nothing is left that could move."""

    def __init__(self, channels: Mapping[str, Channel], options: Options, policy: RetryPolicy) -> None:
        self._options = options
        self._channels = channels
        self._wake = Wake()
        self._lease = Lease(
            seconds=options.lease,
            margin=options.send_timeout,
            concurrency=options.concurrency,
            holds_lock=options.prompt_rescue,
        )
        self._session = Session(options.database, self._lease, pause=self._wake.wait, must_end=self._is_over)
        delivery = Delivery(channels, lease=self._lease, policy=policy, send_timeout=options.send_timeout)
        self._dispatcher = Dispatcher(
            delivery, channels, concurrency=options.concurrency, most=options.batch, on_done=self._wake.set
        )
        self._listener = Listener(options.database, self._wake.set)
        self._claimer = Claimer()
        self._unsettled: list[Settlement] = []
        self._due_at = 0.0
        self._ends_at: float | None = None

    def stop(self) -> None:
        """Claim no more, and finish what is in flight within the grace; a second call ends the grace. Signal-safe."""
        now = time.monotonic()
        self._ends_at = now if self._ends_at is not None else now + self._options.grace
        self._wake.set()

    def run(self) -> None:
        """Work until stopped or drained. Raises psycopg.ProgrammingError where the outbox has no tables."""
        try:
            self._session.open()
            emit("relay.started", relay=self._lease.relay_id, channels=",".join(self._channels))
            self._listener.start()
            self._work(self._turn, until=self._should_stop)
            emit("relay.stopping", relay=self._lease.relay_id, in_flight=self._in_flight)
            self._dispatcher.stop()
            self._ends_at = self._ends_at or time.monotonic() + self._options.grace
            self._work(self._last_turn, until=lambda: self._in_flight == 0 or self._is_over())
            self._session.close(leave=self._in_flight == 0)
        except DatabaseUnreachable:
            emit("relay.abandoned", in_flight=self._in_flight)
        finally:
            self._listener.stop()
        emit("relay.stopped", relay=self._lease.relay_id)

    def _work(self, turn: Callable[[], None], *, until: Callable[[], bool]) -> None:
        is_done = False
        while not is_done:
            try:
                turn()
                is_done = until()
            except psycopg.OperationalError as error:
                self._session.recover(error)

    def _turn(self) -> None:
        self._beat()
        self._settle()
        self._claim()
        self._sleep(self._due_at - time.monotonic())

    def _last_turn(self) -> None:
        self._beat()
        self._settle()
        if self._in_flight:
            self._sleep(DRAIN_POLL_SECONDS)

    def _beat(self) -> None:
        if self._session.seconds_to_beat <= 0:
            self._session.beat(in_flight=self._in_flight)

    def _settle(self) -> None:
        self._unsettled += self._dispatcher.collect()
        if not self._unsettled:
            return
        batch, now = self._unsettled, time.monotonic()
        self._unsettled = settle(self._session.connection, batch, relay_id=self._lease.relay_id, now=now)
        for settlement in batch:
            if settlement.delay is not None:
                self._due_at = min(self._due_at, now + settlement.delay)

    def _claim(self) -> None:
        limits = self._dispatcher.room()
        if limits:
            connection, relay_id = self._session.connection, self._lease.relay_id
            self._dispatcher.submit(self._claimer.claim(connection, relay_id=relay_id, limits=limits))
        if self._due_at <= time.monotonic():
            self._due_at = time.monotonic() + self._seconds_to_next_due()

    def _seconds_to_next_due(self) -> float:
        """For the channels that have room; a channel without wakes us when a send ends."""
        seconds = seconds_to_next_due(self._session.connection, list(self._dispatcher.room()))
        return POLL_SECONDS if seconds is None else min(max(seconds, SHORTEST_SLEEP_SECONDS), POLL_SECONDS)

    def _sleep(self, seconds: float) -> None:
        if self._unsettled:
            seconds = min(seconds, LOCKED_LANE_SECONDS)
        if self._options.drain:
            seconds = min(seconds, DRAIN_POLL_SECONDS)
        self._wake.wait(min(seconds, self._session.seconds_to_beat))
        if self._dispatcher.in_flight:
            time.sleep(LINGER_SECONDS)

    @property
    def _in_flight(self) -> int:
        return self._dispatcher.in_flight + len(self._unsettled)

    def _should_stop(self) -> bool:
        return self._ends_at is not None or (self._options.drain and self._is_drained())

    def _is_drained(self) -> bool:
        return not self._in_flight and not is_anything_left(self._session.connection, list(self._channels))

    def _is_over(self) -> bool:
        return self._ends_at is not None and time.monotonic() >= self._ends_at
