"""The relay's loop: heartbeat, settle, claim, sleep. It only wires the roles together; each has a file of its own.

All database work is done here, by one thread on one connection; sending threads and the listener only wake it.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial

import psycopg

from notifications.channels.base import Channel
from notifications.lifecycle import Status
from notifications.protocol.database_errors import is_not_now
from notifications.relay.breaker import Breaker
from notifications.relay.claim import is_anything_left
from notifications.relay.claim_timer import ClaimTimer
from notifications.relay.contacts import Contacts
from notifications.relay.delivery import Delivery
from notifications.relay.devices import forget_ended
from notifications.relay.dispatch import Dispatcher
from notifications.relay.failover import Failover
from notifications.relay.gate import Gate
from notifications.relay.intake import POLL_SECONDS, Intake
from notifications.relay.lease import Lease
from notifications.relay.listen import Listener
from notifications.relay.maintainer import Maintainer
from notifications.relay.messages import Claim
from notifications.relay.options import Options
from notifications.relay.pool_size import LOOK_SECONDS
from notifications.relay.route_breaker import RouteBreaker
from notifications.relay.router import Router
from notifications.relay.session import DatabaseUnreachable, Session
from notifications.relay.settler import Settler
from notifications.relay.shutdown import Shutdown
from notifications.relay.spending import Spending
from notifications.relay.tally import Tally
from notifications.relay.wake import Wake
from notifications.relay.words import Words
from notifications.shards import on_database
from notifications.telemetry import emit

DRAIN_POLL_SECONDS = 0.2  # while draining: another relay may hold what is left
LOCKED_LANE_SECONDS = 0.005  # before a settle whose recipient was locked is tried again
HEAD_START_SECONDS = 0.0001  # for the threads that a claim wakes: otherwise they first run at our next wait
LINGER_SECONDS = 0.002  # while sends run: all that end within it are settled in one batch; not once all have ended


class Loop:
    """A relay's loop: `run` returns once stopped, or, with `drain`, once nothing is left that could move."""

    def __init__(self, channels: Mapping[str, Channel], options: Options) -> None:
        self._options = options
        self._channels = channels
        self._wake = Wake()
        self._timer = ClaimTimer()
        self._shutdown = Shutdown(grace=options.grace, is_draining=options.drain, wake=self._wake)
        self._lease = Lease(
            seconds=options.lease,
            margin=options.send_timeout,
            concurrency=options.concurrency,
            release=options.release,
            holds_lock=options.prompt_rescue,
        )
        channel_of = {route.key: route.channel for several in options.routes.values() for route in several}
        slow = options.route_times.slow
        tally = Tally()
        with_others = {route.key for several in options.routes.values() if len(several) > 1 for route in several}
        breakers = {key: RouteBreaker(slow=slow) if key in with_others else Breaker() for key in channels}
        self._session = Session(options.database, self._lease, tally=tally, shutdown=self._shutdown)
        self._maintainer = Maintainer(self._lease)
        self._spending = Spending(options.spend_caps)
        self._settler = Settler(tally, self._spending)
        self._words = Words(options.release, renew=options.renew_words)
        self._gate = Gate(breakers, rates=options.rates, channels=channel_of)
        self._router = Router(
            options.routes,
            gate=self._gate,
            senders=channels,
            times=options.route_times,
            asks=options.ask_before_resend,
            is_stalled=lambda key: self._dispatcher.is_stalled(key),  # noqa: PLW0108  (it is made below)
            is_hanging=lambda key: self._dispatcher.is_hanging(key),  # noqa: PLW0108
        )
        self._intake = Intake(channels, options, self._gate, self._router, spending=self._spending)
        self._contacts = Contacts(options.read_contacts) if options.read_contacts else None
        self._dispatcher = Dispatcher(
            self._delivery(breakers),
            channels,
            concurrency=options.concurrency,
            most=options.batch,
            on_done=self._wake.set,
            within=partial(on_database, options.database),
        )
        self._listener = Listener(options.database, self._on_notify)

    def _delivery(self, breakers: Mapping[str, Breaker]) -> Delivery:
        return Delivery(
            self._channels,
            lease=self._lease,
            policies=self._options.policies,
            breakers=breakers,
            send_timeout=self._options.send_timeout,
            fresh=self._contacts.fresh if self._contacts else None,
            words=self._words,
            failover=Failover(
                self._router, gate=self._gate, breakers=breakers, patience=self._options.route_times.patience
            ),
        )

    def stop(self) -> None:
        """Claim no more, and finish what is in flight within the grace; a second call ends the grace. Signal-safe."""
        self._shutdown.request()

    def stop_once(self) -> None:
        """As the first call of `stop`, however often it is called. Signal-safe."""
        if not self._shutdown.is_requested:
            self._shutdown.request()

    def run(self) -> None:
        """Work until stopped or drained. Raises psycopg.ProgrammingError where the outbox has no tables."""
        try:
            self._session.connect()
            self._work(self._start, until=lambda: True)
            self._listener.start()
            self._work(self._turn, until=lambda: self._shutdown.is_requested)
            emit("relay.stopping", relay=self._lease.relay_id, in_flight=self._in_flight)
            self._dispatcher.stop()
            self._shutdown.begin_grace()
            self._work(self._last_turn, until=lambda: self._in_flight == 0 or self._shutdown.is_over)
            self._session.close(leave=self._in_flight == 0)
        except DatabaseUnreachable:
            emit("relay.abandoned", in_flight=self._in_flight)
        finally:
            self._listener.stop()
            if self._contacts:
                self._contacts.close()
        emit("relay.stopped", relay=self._lease.relay_id)

    def _work(self, turn: Callable[[], None], *, until: Callable[[], bool]) -> None:
        is_done = False
        while not is_done:
            try:
                turn()
                is_done = until()
            except psycopg.Error as error:
                if not is_not_now(error):
                    raise
                self._settler.report()  # before the session counts anew what was written
                self._session.recover(error)

    def _start(self) -> None:
        self._beat()
        self._gate.register_channels(self._session.connection)
        self._words.start(self._session.connection)
        channels, concurrency = ",".join(self._channels), self._options.concurrency
        emit("relay.started", relay=self._lease.relay_id, channels=channels, concurrency=concurrency)

    def _turn(self) -> None:
        self._beat()
        self._settler.add(self._dispatcher.collect())
        self._claim()  # before the settle: what has been due for longer goes before what a settle promotes
        self._settle()
        if not self._dispatcher.in_flight:  # else it is done while the database works on the next settle
            self._settler.report()
        if self._is_drained():
            self._shutdown.begin_grace()
        else:
            self._sleep(self._seconds_to_turn())

    def _last_turn(self) -> None:
        self._beat()
        self._settler.add(self._dispatcher.collect())
        self._settle()
        self._settler.report()
        self._words.report(self._session.connection)
        self._spending.give_back(self._session.connection)
        forget_ended(self._session.connection, self._channels)
        if self._in_flight:
            self._sleep(DRAIN_POLL_SECONDS)

    def _beat(self) -> None:
        if self._session.seconds_to_beat > 0:
            return
        self._settler.report()  # what is not counted by a heartbeat must have been written after it: see sql_tally
        claimable = self._router.channels_of(self._gate.claimable(self._dispatcher.room()))
        heartbeat = self._session.beat(in_flight=self._in_flight, claimable=claimable)
        self._spending.give_back(self._session.connection)
        forget_ended(self._session.connection, self._channels)
        self._gate.learn(heartbeat.channels)
        self._shutdown.handle_command(heartbeat.command)
        has_rescued = self._maintainer.maintain(
            self._session.connection, heartbeat, session_seconds=self._session.seconds, in_hand=self._in_hand()
        )
        are_freed = self._words.report(self._session.connection)
        if heartbeat.is_something_due or has_rescued or are_freed:
            self._timer.claim_now()

    def _settle(self) -> None:
        """Write what has ended. If nothing else is due, the next of each lane is claimed with it."""
        if not self._settler.unsettled:
            return
        connection, claiming = self._session.connection, None
        if not self._timer.is_due and not self._shutdown.is_requested:
            claiming = self._intake.claiming(connection, self._dispatcher.room(), most=len(self._settler.unsettled))
        has_more = any(settlement.status is not Status.SENT for settlement in self._settler.unsettled)
        next_ = self._settler.settle(connection, relay_id=self._lease.relay_id, claiming=claiming)
        batch = self._intake.routed(connection, next_.claimed)
        self._settler.add(batch.ended)
        self._dispatcher.submit(batch.messages)
        self._gate.report(connection)
        if has_more or next_.is_left:
            self._timer.claim_now()

    def _claim(self) -> None:
        """Claim what the channels with room can take; then know when to come back."""
        rooms = self._dispatcher.room()
        if not rooms or not self._timer.is_due:
            return
        self._timer.begin_claim()
        connection, report = self._session.connection, self._settler.report if self._settler.has_reports else None
        batch = self._intake.claim(connection, relay_id=self._lease.relay_id, rooms=rooms, meanwhile=report)
        self._settler.add(batch.ended)
        self._dispatcher.submit(batch.messages)
        if batch.messages:
            time.sleep(HEAD_START_SECONDS)
        self._timer.claim_in(0.0 if batch.is_full else self._intake.seconds_to_next(connection, rooms))

    def _seconds_to_turn(self) -> float:
        """How long the loop may sleep, unless something wakes it. If no channel has room, an ended send makes some."""
        return self._timer.seconds_left if self._dispatcher.room() else POLL_SECONDS

    def _sleep(self, seconds: float) -> None:
        if self._settler.unsettled:
            seconds = min(seconds, LOCKED_LANE_SECONDS)
        if self._shutdown.is_draining:
            seconds = min(seconds, DRAIN_POLL_SECONDS)
        if self._dispatcher.may_grow:
            seconds = min(seconds, LOOK_SECONDS)
        self._dispatcher.begin_watch()
        self._wake.wait(min(seconds, self._session.seconds_to_beat))
        self._linger()
        self._dispatcher.resize()

    def _linger(self) -> None:
        """Wait a moment for more sends to end, or until none runs: then nothing would come of waiting."""
        ends_at = time.monotonic() + LINGER_SECONDS
        with self._dispatcher.waking_at_last():
            while not self._dispatcher.is_idle and (seconds := ends_at - time.monotonic()) > 0:
                self._wake.wait(seconds)

    def _on_notify(self) -> None:
        self._timer.claim_now()
        self._wake.set()

    def _in_hand(self) -> list[Claim]:
        return [*self._dispatcher.in_hand, *(settlement.message.claim for settlement in self._settler.unsettled)]

    @property
    def _in_flight(self) -> int:
        return self._dispatcher.in_flight + len(self._settler.unsettled)

    def _is_drained(self) -> bool:
        if not self._shutdown.is_draining or self._in_flight:
            return False
        if self._words.report(self._session.connection):  # now: the next heartbeat would only be waited for
            self._timer.claim_now()
            return False
        return not is_anything_left(self._session.connection, self._router.channels_of(self._gate.open_channels()))
