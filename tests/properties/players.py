"""Who plays: relays whose loop is the test, and somebody else's transaction that stays open."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from time import monotonic

import pytest
from django.db import OperationalError, connection, connections, transaction

from notifications import conf, outbox
from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Outcome
from notifications.models import OutboxMessage, Recipient
from notifications.policy.retry import RetryPolicy
from notifications.relay import settle
from notifications.relay.breaker import Breaker
from notifications.relay.delivery import Delivery
from notifications.relay.gate import Gate
from notifications.relay.lease import LOCK_CLASS
from notifications.relay.maintainer import Maintainer
from notifications.relay.messages import Claimed, Settlement
from notifications.relay.rescue import SETTLED_SESSION_SECONDS
from notifications.relay.session import Session
from notifications.relay.settle import Claiming
from notifications.relay.shutdown import Shutdown
from notifications.relay.wake import Wake
from tests.properties.model import MAX_ATTEMPTS, MAX_DEFERRALS, MAX_RESCUES
from tests.stage.relay import HandRelay, RecordingChannel
from tests.stage.waiting import wait_until

CHANNELS = ("sms", "email")
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


class Provider:
    """Answers as it is told, and remembers what it was asked and what it accepted, in order."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.accepted: list[int] = []
        self.next: Outcome = Accepted()
        self.channels = {name: RecordingChannel(name, self._answer) for name in CHANNELS}

    def _answer(self, outgoing: Outgoing) -> Outcome:
        self.asked[outgoing.message_id] += 1
        if isinstance(self.next, Accepted):
            self.accepted.append(outgoing.message_id)
        return self.next


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
        self._skipped = 0.0
        self.lease.clock = lambda: monotonic() + self._skipped
        self.gate = Gate({name: Breaker() for name in CHANNELS}, rates={})
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
    def in_hand(self) -> list[int]:
        return [message.id for message in self.claimed] + [settlement.message.id for settlement in self.unsettled]

    def may_send(self, message: Claimed) -> bool:
        return self.lease.allows_a_send(message.relay_id)

    def beat(self, *, prompt: bool) -> None:
        """As the loop does; `prompt`: may a free lock prove somebody's death, since our session is old enough."""
        heartbeat = self.session.beat(in_flight=len(self.in_hand))
        self.gate.learn(heartbeat.channels)
        session_seconds = SETTLED_SESSION_SECONDS if prompt and conf.rescue() == "prompt" else 0.0
        self.maintainer.maintain(self.connection, heartbeat, session_seconds=session_seconds, in_hand=self.in_hand)

    def take_open(self, limit: int) -> list[Claimed]:
        """Claim from the channels that it believes to be open."""
        with self.gate.granting(self.connection, dict.fromkeys(CHANNELS, limit)) as limits:
            return self.claim(limit, tuple(limits)) if limits else []

    def settle_and_claim(self) -> list[Claimed]:
        """Settle everything that is sent, and claim what that promotes on the channels that it believes to be open."""
        claiming = Claiming(list(self.gate.free(dict.fromkeys(CHANNELS, 1))))
        settled = settle.settle(self.connection, self.unsettled, relay_id=self.id, now=0.0, claiming=claiming)
        settle.report_settled(settled.written, self.tally)
        self.unsettled = settled.waiting
        return settled.next.claimed

    def deliver(self, provider: Provider) -> Settlement:
        """Deliver the first message in hand."""
        delivery = Delivery(
            provider.channels,
            lease=self.lease,
            policies=dict.fromkeys(CHANNELS, POLICY),
            breakers={name: Breaker() for name in CHANNELS},
            send_timeout=10.0,
            random=lambda: 0.5,
            clock=lambda: 0.0,
        )
        settlement = copy_context().run(delivery.deliver, self.claimed.pop(0))  # it leaves its language and zone active
        self.unsettled.append(settlement)
        return self.unsettled[-1]

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
