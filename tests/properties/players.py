"""Who plays: relays whose loop is the test, and somebody else's transaction that stays open."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from time import monotonic
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from notifications import conf, outbox
from notifications.channels.base import Channel, Outgoing
from notifications.lifecycle import Accepted, Outcome, Transient, Unknown
from notifications.models import OutboxMessage, Recipient
from notifications.policy.retry import RetryPolicy
from notifications.policy.routes import Route, RouteTimes, channel_of
from notifications.relay import settle
from notifications.relay.breaker import Breaker
from notifications.relay.delivery import Delivery
from notifications.relay.enrich import enrich
from notifications.relay.failover import Failover
from notifications.relay.gate import Gate
from notifications.relay.lease import LOCK_CLASS
from notifications.relay.maintainer import Maintainer
from notifications.relay.messages import Claim, Claimed, Settlement
from notifications.relay.rescue import SETTLED_SESSION_SECONDS
from notifications.relay.router import Router
from notifications.relay.session import Session
from notifications.relay.settle import Claiming
from notifications.relay.shutdown import Shutdown
from notifications.relay.wake import Wake
from tests.properties.model import ASKABLE, MAX_ATTEMPTS, MAX_DEFERRALS, MAX_RESCUES, ROUTES
from tests.stage.relay import HandRelay, RecordingChannel
from tests.stage.waiting import wait_until

CHANNELS = ("sms", "email")
KEYS = (*(f"sms:{route}" for route in ROUTES), "email")
AN_HOUR = 3600.0
POLICY = RetryPolicy(
    MAX_ATTEMPTS,
    backoff_seconds=AN_HOUR,
    backoff_max_seconds=AN_HOUR,
    max_rescues=MAX_RESCUES,
    max_deferrals=MAX_DEFERRALS,
    deferral_seconds=AN_HOUR,
)
UNEXPECTED = "2s"  # a wait that no promise allows ends as an error, not as a test that hangs


SWALLOWED = Unknown("swallowed")  # the provider has the message, and never said so


class Askable(RecordingChannel):
    """Its provider can be asked about a lost answer."""

    def __init__(self, name: str, answer: Callable[[Outgoing], Outcome], find: Callable[[int], Outcome | None]) -> None:
        super().__init__(name, answer)
        self._find = find

    def find(self, outgoing: Outgoing, **_: Any) -> Any:
        return self._find(outgoing.message_id)


class Provider:
    """Those of all routes. Each answers as it is told, and remembers what it was asked and what it accepted, in order.

    Asked about a lost answer, it tells the truth, or, if it `is_silent`, nothing.
    """

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.accepted: list[int] = []
        self.has: set[int] = set()  # what the one that can be asked accepted
        self.next: Outcome = Accepted()
        self.is_silent = False
        self.may_repeat = False  # the one that can be asked may get a message that it has: nobody can ask about it
        self.channels: dict[str, Channel] = {key: RecordingChannel(channel_of(key), self._answer) for key in KEYS}
        self.channels[f"sms:{ASKABLE}"] = Askable("sms", self._answer_and_note, self._find)

    def _answer(self, outgoing: Outgoing) -> Outcome:
        self.asked[outgoing.message_id] += 1
        if isinstance(self.next, Accepted) or self.next is SWALLOWED:
            self.accepted.append(outgoing.message_id)
        return self.next

    def _answer_and_note(self, outgoing: Outgoing) -> Outcome:
        if isinstance(self.next, Accepted) or self.next is SWALLOWED:
            assert outgoing.message_id not in self.has or self.may_repeat, "who can be asked does not get it twice (G6)"
            self.has.add(outgoing.message_id)
        return self._answer(outgoing)

    def _find(self, message_id: int) -> Outcome | None:
        if self.is_silent:
            return Transient("asking_timeout")
        return Accepted("found") if message_id in self.has else None


class Relay(HandRelay):
    """A relay with its own session, gate, claimer and delivery, and the test in place of its loop.

    `claimed` is what it holds and has not begun, `unsettled` what it has sent and not written down.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.claimed: list[Claimed] = []
        self.unsettled: list[Settlement] = []
        self.is_cut_off = False
        self.paused: set[str] = set()  # channels that were, when it last looked
        self._skipped = self._waited = 0.0
        self.throttled: set[str] = set()  # routes
        self.lease.clock = lambda: monotonic() + self._skipped
        self.gate = Gate(
            {key: Breaker() for key in KEYS},
            rates={},
            channels={key: "sms" for key in KEYS if key != "email"},
            clock=lambda: monotonic() + self._waited,
        )
        self.gate.register_channels(self.connection)
        impatient = Shutdown(grace=0.0, is_draining=False, wake=Wake())
        impatient.begin_grace()
        self.session = Session("default", self.lease, tally=self.tally, shutdown=impatient)
        self.session.connection = self.connection
        self.maintainer = Maintainer(self.lease)
        self._expect_no_waits()

    @property
    def id(self) -> int:
        return self.lease.relay_id

    @property
    def in_hand(self) -> list[Claim]:
        return [message.claim for message in self.claimed] + [settled.message.claim for settled in self.unsettled]

    def may_send(self, message: Claimed) -> bool:
        return self.lease.allows_a_send(message.relay_id)

    def beat(self, *, prompt: bool) -> None:
        """As the loop does; `prompt`: may a free lock prove somebody's death, since our session is old enough."""
        heartbeat = self.session.beat(in_flight=len(self.in_hand))
        self.gate.learn(heartbeat.channels)
        session_seconds = SETTLED_SESSION_SECONDS if prompt and conf.rescue() == "prompt" else 0.0
        self.maintainer.maintain(self.connection, heartbeat, session_seconds=session_seconds, in_hand=self.in_hand)

    def serve(self, provider: Provider) -> None:
        """Send by these providers from now on."""
        self._provider = provider
        times = RouteTimes(patience=AN_HOUR)
        self.router = Router(
            {"sms": [Route("sms", name) for name in ROUTES]},
            gate=self.gate,
            senders=provider.channels,
            times=times,
            is_stalled=lambda key: False,
        )
        breakers = {key: Breaker() for key in KEYS}
        self._failover = Failover(self.router, gate=self.gate, breakers=breakers, patience=times.patience)

    def open_routes(self) -> set[str]:
        """The routes of SMS that it believes to be open."""
        closed = {channel.partition(":")[2] for channel in self.paused} | self.throttled
        return set() if "sms" in self.paused else set(ROUTES) - closed

    def take_open(self, limit: int) -> tuple[list[Claimed], list[Settlement]]:
        """Claim from the channels that it believes to be open; and what has to wait, since its routes are not."""
        with self.gate.granting(self.connection, dict.fromkeys(KEYS, limit)) as grants:
            limits = self.router.limits(grants)
            return self._routed(self.claim(limit, tuple(limits)) if limits else [])

    def _routed(self, claimed: list[Claimed]) -> tuple[list[Claimed], list[Settlement]]:
        assigned, waiting = self.router.assign(self.connection, claimed)
        return enrich(self.connection, assigned, channels=self._provider.channels, asks=True), waiting

    def settle_and_claim(self) -> tuple[list[Claimed], list[Settlement]]:
        """Settle everything that is sent, and claim what that promotes on the channels that it believes to be open."""
        claiming = Claiming(list(self.router.limits(self.gate.free(dict.fromkeys(KEYS, 1)))))
        settled = settle.settle(self.connection, self.unsettled, relay_id=self.id, now=0.0, claiming=claiming)
        settle.report_settled(settled.written, self.tally)
        self.unsettled = settled.waiting
        return self._routed(settled.next.claimed)

    def deliver(self) -> Settlement:
        """Deliver the first message in hand."""
        delivery = Delivery(
            self._provider.channels,
            lease=self.lease,
            policies=dict.fromkeys(CHANNELS, POLICY),
            breakers={key: Breaker() for key in KEYS},
            failover=self._failover,
            send_timeout=10.0,
            random=lambda: 0.5,
            clock=monotonic,
        )
        settlement = copy_context().run(delivery.deliver, self.claimed.pop(0))  # it leaves its language and zone active
        self.unsettled.append(settlement)
        return self.unsettled[-1]

    def wait_out(self) -> None:
        """Whoever throttled it takes messages again."""
        self._waited += 2 * AN_HOUR
        self.throttled.clear()

    def sleep(self, seconds: float) -> None:
        """Be stopped for as long, by its own clock."""
        self._skipped += seconds

    def lose_connection(self) -> None:
        """Returns once the server has noticed."""
        self.is_cut_off = True
        self.lease.suspend()
        self.connection.close()
        wait_until(lambda: not _is_lock_held(self.id), pause=0.001)

    def reconnect(self) -> None:
        self.session.connect()
        self.connection, self.is_cut_off = self.session.connection, False
        self._expect_no_waits()
        self.beat(prompt=False)

    def _expect_no_waits(self) -> None:
        self.connection.execute(f"SET lock_timeout = '{UNEXPECTED}'")


class OpenTransaction:
    """Somebody's transaction, on a connection beside the default one, that goes on while others act.

    `effects` are what it did, for the model to do when it commits; `recipients` those whose lanes it has locked.
    """

    ALIAS = "beside"

    def __init__(self) -> None:
        self.effects: list[Callable[[], object]] = []
        self.recipients: set[int] = set()
        self.touched: set[int] = set()
        self._atomic = transaction.atomic(using=self.ALIAS)
        self._atomic.__enter__()

    def end(self, *, commits: bool) -> None:
        transaction.set_rollback(not commits, using=self.ALIAS)
        self._atomic.__exit__(None, None, None)
        if commits:
            for effect in self.effects:
                effect()


@contextmanager
def connection_beside() -> Iterator[None]:
    """The connection on which a transaction stays open."""
    connections[OpenTransaction.ALIAS] = wrapper = connections.create_connection("default")
    wrapper.alias = OpenTransaction.ALIAS
    try:
        for each in (connection, wrapper):
            with each.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{UNEXPECTED}'")
        yield
    finally:
        wrapper.close()
        del connections[OpenTransaction.ALIAS]
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def assert_waits(act: Callable[[], object]) -> None:
    """Whoever touches a lane that somebody has locked waits for the lock; here, not for long."""

    @transaction.atomic
    def act_impatiently() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1ms'")
        act()

    with pytest.raises(OperationalError, match="lock timeout"):
        act_impatiently()


def announce(recipient: Recipient, kind: str, *, using: str = "default", **words: object) -> list[OutboxMessage]:
    there = Recipient.objects.using(using).get(pk=recipient.pk)  # as an application would have read it
    return outbox.publish(kind, recipient=there, context={"name": "Ann"}, using=using, **words)


def _is_lock_held(relay: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK_CLASS, relay],
        )
        return bool(cursor.fetchone()[0])
