"""The relay's loop, which only wires the roles together: heartbeat, settle, claim, sleep until something happens.

All database work is done here, by one thread on one connection; sending threads and the listener only wake it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from notifications.channels.base import Channel
from notifications.conf import Cap
from notifications.policy.retry import RetryPolicy
from notifications.relay.breaker import Breaker
from notifications.relay.caps import Caps
from notifications.relay.claim import Claimer, is_anything_left, seconds_to_next_due
from notifications.relay.connection import CONNECTION_ERRORS
from notifications.relay.delivery import Delivery
from notifications.relay.dispatch import LOOK_SECONDS, Dispatcher
from notifications.relay.enrich import with_backstory
from notifications.relay.gate import Gate
from notifications.relay.lease import Lease
from notifications.relay.listen import Listener, Wake
from notifications.relay.messages import Settlement
from notifications.relay.session import DatabaseUnreachable, Session
from notifications.relay.settle import settle, tell
from notifications.relay.tally import Tally
from notifications.telemetry import emit

POLL_SECONDS = 10.0  # the safety net under NOTIFY
DRAIN_POLL_SECONDS = 0.2  # while draining: another relay may hold what is left
LOCKED_LANE_SECONDS = 0.005  # until a settle is tried again whose recipient was locked
SHORTEST_SLEEP_SECONDS = 0.02  # while another relay is just claiming what is due
HEAD_START_SECONDS = 0.0001  # for the threads that a claim wakes: else they get the interpreter at our next wait
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
    policies: Mapping[str, RetryPolicy]
    ask_before_resend: bool = True
    rates: Mapping[str, float] = field(default_factory=dict)
    caps: Sequence[Cap] = ()


class Loop:
    """A relay's loop: `run` returns once stopped, or, with `drain`, once nothing is left that could move."""

    def __init__(self, channels: Mapping[str, Channel], options: Options) -> None:
        self._options = options
        self._channels = channels
        self._wake = Wake()
        self._lease = Lease(
            seconds=options.lease,
            margin=options.send_timeout,
            concurrency=options.concurrency,
            holds_lock=options.prompt_rescue,
        )
        breakers = {name: Breaker() for name in channels}
        self._gate = Gate(breakers, rates=options.rates)
        self._tally = Tally()
        self._caps = Caps(options.caps, address_fields={name: each.address_field for name, each in channels.items()})
        self._session = Session(
            options.database,
            self._lease,
            tally=self._tally,
            on_channels=self._gate.learn,
            on_command=self._obey,
            in_hand=self._in_hand,
            pause=self._wake.wait,
            must_end=self._is_over,
        )
        delivery = Delivery(
            channels,
            lease=self._lease,
            policies=options.policies,
            breakers=breakers,
            send_timeout=options.send_timeout,
        )
        self._dispatcher = Dispatcher(
            delivery, channels, concurrency=options.concurrency, most=options.batch, on_done=self._wake.set
        )
        self._listener = Listener(options.database, self._on_notify)
        self._claimer = Claimer()
        self._unsettled: list[Settlement] = []
        self._untold: list[tuple[Settlement, float]] = []  # what was written and is not yet counted
        self._is_stirred = True  # something happened after which there may be something to claim
        self._claim_at = 0.0
        self._ends_at: float | None = None
        self._is_draining = options.drain

    def stop(self) -> None:
        """Claim no more, and finish what is in flight within the grace; a second call ends the grace. Signal-safe."""
        now = time.monotonic()
        self._ends_at = now if self._ends_at is not None else now + self._options.grace
        self._wake.set()

    def run(self) -> None:
        """Work until stopped or drained. Raises psycopg.ProgrammingError where the outbox has no tables."""
        try:
            self._session.open()
            self._work(lambda: self._gate.open(self._session.connection), until=lambda: True)
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
            except CONNECTION_ERRORS as error:
                self._tell()  # before the session counts anew what was written
                self._session.recover(error)

    def _turn(self) -> None:
        self._beat()
        self._settle()
        self._claim()
        self._tell()  # what no claim was made for to tell meanwhile
        self._sleep(self._seconds_to_turn())

    def _last_turn(self) -> None:
        self._beat()
        self._settle()
        self._tell()
        if self._in_flight:
            self._sleep(DRAIN_POLL_SECONDS)

    def _beat(self) -> None:
        if self._session.seconds_to_beat <= 0:
            claimable = self._gate.claimable(self._dispatcher.room())
            self._is_stirred |= self._session.beat(in_flight=self._in_flight, claimable=claimable)

    def _settle(self) -> None:
        self._unsettled += self._dispatcher.collect()
        if not self._unsettled:
            return
        batch, now = self._unsettled, time.monotonic()
        connection, relay_id = self._session.connection, self._lease.relay_id
        self._unsettled, written = settle(connection, batch, relay_id=relay_id, now=now)
        self._untold += written
        self._gate.report(self._session.connection)
        self._is_stirred = True

    def _tell(self) -> None:
        """Count and report what was written."""
        written, self._untold = self._untold, []
        tell(written, self._tally)

    def _claim(self) -> None:
        """Claim what the channels with room and with the gate's leave can take; then know when to come back."""
        rooms = self._dispatcher.room()
        if not rooms or not (self._is_stirred or time.monotonic() >= self._claim_at):
            return
        self._is_stirred = False  # before looking: what happens from here on is seen next time
        connection, relay_id = self._session.connection, self._lease.relay_id
        with self._caps.together(connection), self._gate.limits(connection, rooms) as limits:
            claimed = []
            if limits:
                meanwhile = self._tell if self._untold else None
                claimed = self._claimer.claim(connection, relay_id=relay_id, limits=limits, meanwhile=meanwhile)
            self._gate.charge(connection, claimed)
            claimed, over_caps = self._caps.sift(connection, claimed)
        self._unsettled += over_caps
        asks = self._options.ask_before_resend
        self._dispatcher.submit(with_backstory(connection, claimed, channels=self._channels, asks=asks))
        if claimed:
            time.sleep(HEAD_START_SECONDS)
        if limits and len(claimed) + len(over_caps) == sum(limits.values()):
            self._claim_at = 0.0
        else:
            self._claim_at = time.monotonic() + self._seconds_to_claim(rooms)

    def _seconds_to_claim(self, rooms: Mapping[str, int]) -> float:
        """How long until something can be claimed for the channels that had room; one without room wakes us itself."""
        due = seconds_to_next_due(self._session.connection, self._gate.claimable(rooms))
        seconds = min(POLL_SECONDS if due is None else due, self._gate.seconds_to_change(rooms))
        return min(max(seconds, SHORTEST_SLEEP_SECONDS), POLL_SECONDS)

    def _obey(self, command: str) -> None:
        """Do what an operator told this relay: `stop`, as a signal would, or `drain`, as the option does."""
        if command == "drain":
            self._is_draining = True
        elif self._ends_at is None:
            self.stop()

    def _on_notify(self) -> None:
        self._is_stirred = True
        self._wake.set()

    def _seconds_to_turn(self) -> float:
        """How long nothing needs doing, unless something wakes us: a send that ended makes room."""
        if not self._dispatcher.room():
            return POLL_SECONDS
        return 0.0 if self._is_stirred else self._claim_at - time.monotonic()

    def _sleep(self, seconds: float) -> None:
        if self._unsettled:
            seconds = min(seconds, LOCKED_LANE_SECONDS)
        if self._is_draining:
            seconds = min(seconds, DRAIN_POLL_SECONDS)
        if self._dispatcher.may_grow:
            seconds = min(seconds, LOOK_SECONDS)
        with self._dispatcher.watched():
            self._wake.wait(min(seconds, self._session.seconds_to_beat))
            if self._dispatcher.in_flight:
                time.sleep(LINGER_SECONDS)

    def _in_hand(self) -> list[int]:
        return [*self._dispatcher.in_hand, *(settlement.message.id for settlement in self._unsettled)]

    @property
    def _in_flight(self) -> int:
        return self._dispatcher.in_flight + len(self._unsettled)

    def _should_stop(self) -> bool:
        return self._ends_at is not None or (self._is_draining and self._is_drained())

    def _is_drained(self) -> bool:
        return not self._in_flight and not is_anything_left(self._session.connection, self._gate.open_channels())

    def _is_over(self) -> bool:
        return self._ends_at is not None and time.monotonic() >= self._ends_at
