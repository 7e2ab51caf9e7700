"""G5: a relay that lost its lease can change nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from notifications import conf, outbox
from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Outcome, Permanent, Status
from notifications.models import DeliveryAttempt, OutboxMessage, Relay
from notifications.relay import rescue
from notifications.relay.breaker import Breaker
from notifications.relay.delivery import Delivery
from notifications.relay.messages import Settlement
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import PATIENT, RUN_OUT, HandRelay, RecordingChannel, drain, running_loop, status_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def relays(hand_relay: Callable[[], HandRelay]) -> tuple[HandRelay, HandRelay]:
    """One that was stopped beyond its lease while it held a message, and the one that has taken over."""
    publish_one(RecipientFactory())
    stopped, successor = hand_relay(), hand_relay()
    return stopped, successor


def test_a_stale_settle_changes_nothing(relays: tuple[HandRelay, HandRelay]) -> None:
    stopped, successor = relays
    (old,) = stopped.claim()
    stopped.let_lease_run_out()
    assert successor.declare_dead(stopped) == [stopped.lease.relay_id]
    assert successor.rescue(stopped.lease.relay_id) == 1
    (new,) = successor.claim()
    assert (old.id, old.claim_number, new.claim_number) == (new.id, 1, 2)

    stopped.settle(Settlement(old, Status.FAILED, 1, outcome=Permanent("no"), began=0, ended=0))

    assert OutboxMessage.objects.get().status == Status.SENDING, "the successor's claim stands"
    successor.settle(Settlement(new, Status.SENT, 1, outcome=Accepted("yes"), began=0, ended=0))
    assert OutboxMessage.objects.get().status == Status.SENT
    attempts = DeliveryAttempt.objects.order_by("claim_number").values_list("claim_number", "answer", "code")
    assert list(attempts) == [(1, "unknown", "relay_lost"), (2, "accepted", "")]


def test_a_stale_settle_changes_nothing_while_the_message_waits_to_be_claimed(
    relays: tuple[HandRelay, HandRelay],
) -> None:
    stopped, successor = relays
    (old,) = stopped.claim()
    stopped.let_lease_run_out()
    successor.declare_dead(stopped)
    successor.rescue(stopped.lease.relay_id)

    stopped.settle(Settlement(old, Status.SENT, 1, outcome=Accepted("late"), began=0, ended=0))

    assert OutboxMessage.objects.get().status == Status.PENDING


def test_a_replay_does_not_let_an_old_claim_pass_for_a_new_one(relays: tuple[HandRelay, HandRelay]) -> None:
    """The claim number only ever rises; the number of attempts starts anew at a replay, and would let it pass."""
    stopped, successor = relays
    (old,) = stopped.claim()
    stopped.let_lease_run_out()
    successor.declare_dead(stopped)
    successor.rescue(stopped.lease.relay_id)
    (second,) = successor.claim()
    successor.settle(Settlement(second, Status.FAILED, 3, outcome=Permanent("no"), began=0, ended=0))
    outbox.replay([old.id], actor="ann")
    (third,) = successor.claim()

    stopped.settle(Settlement(old, Status.SENT, 1, outcome=Accepted("late"), began=0, ended=0))

    message = OutboxMessage.objects.get()
    assert (message.status, message.claim_number, third.claim_number) == (Status.SENDING, 3, 3)


def test_a_relay_declared_dead_claims_nothing_until_it_has_a_new_number(
    relays: tuple[HandRelay, HandRelay],
) -> None:
    stopped, successor = relays
    stopped.let_lease_run_out()
    successor.declare_dead(stopped)

    assert stopped.claim() == []
    assert not stopped.lease.beat(stopped.connection, in_flight=0).is_known
    assert not stopped.lease.allows_a_send(stopped.lease.relay_id)
    stopped.lease.take(stopped.connection)
    assert len(stopped.claim()) == 1


def test_a_relay_declared_dead_sends_nothing_that_it_claimed_before(relays: tuple[HandRelay, HandRelay]) -> None:
    """Its new number comes with a new lease; but what waited in its hands is its successor's by now (G4)."""
    stopped, successor = relays
    (old,) = stopped.claim()
    stopped.let_lease_run_out()
    successor.declare_dead(stopped)
    successor.rescue(stopped.lease.relay_id)
    stopped.lease.beat(stopped.connection, in_flight=1)
    stopped.lease.take(stopped.connection)
    channel = RecordingChannel()
    delivery = Delivery(
        {"sms": channel}, lease=stopped.lease, policies={"sms": PATIENT}, breakers={"sms": Breaker()}, send_timeout=10
    )

    stopped.settle(delivery.deliver(old))

    assert list(channel.sent) == []
    (new,) = successor.claim()
    assert new.claim_number == 2
    assert stopped.lease.allows_a_send(stopped.lease.relay_id), "what it claims from now on may go out"


def test_who_is_given_anew_what_it_is_still_sending_settles_it_once_and_no_copy_is_unmarked(
    hand_relay: Callable[[], HandRelay],
) -> None:
    """The older send ends while the newer one is under way: the message stays the relay's own."""
    message = publish_one(RecipientFactory())
    may_end = [threading.Event(), threading.Event()]

    def answer(outgoing: Outgoing) -> Outcome:
        assert may_end[outgoing.claim_number - 1].wait(30)
        return Accepted(f"copy {outgoing.claim_number}")

    channel = RecordingChannel(answer=answer)
    with running_loop(channel):
        wait_until(lambda: len(channel.sent) == 1)
        stopped, other = Relay.objects.get().pk, hand_relay()
        other.connection.execute(RUN_OUT, [[stopped]])
        other.rescue(*rescue.declare_dead(other.connection, [stopped], prompt=False))
        wait_until(lambda: len(channel.sent) == 2)
        relay = Relay.objects.exclude(pk=other.lease.relay_id).get()
        may_end[0].set()
        wait_until(lambda: Relay.objects.get(pk=relay.pk).heartbeat_at > relay.heartbeat_at + timedelta(seconds=1.5))
        is_still_its_own = OutboxMessage.objects.filter(status=Status.SENDING, relay_id=relay.pk).exists()
        may_end[1].set()
        wait_until(lambda: status_of(message) == Status.SENT)
    assert is_still_its_own
    attempts = DeliveryAttempt.objects.order_by("claim_number").values_list("claim_number", "answer", "code")
    assert list(attempts) == [(1, "unknown", "relay_lost"), (2, "accepted", "sent_again")]


def test_a_living_relay_is_not_declared_dead(relays: tuple[HandRelay, HandRelay]) -> None:
    living, other = relays

    assert other.declare_dead(living) == []
    assert Relay.objects.count() == 2


@pytest.mark.skipif(conf.rescue() == "lease", reason="a proxy that pools transactions has no session locks")
def test_a_late_heartbeat_alone_does_not_prove_death(relays: tuple[HandRelay, HandRelay]) -> None:
    slow, other = relays
    slow.connection.execute(
        "UPDATE notifications_relay SET heartbeat_at = statement_timestamp() - interval '5 seconds'"
    )

    assert other.declare_dead(slow) == [], "its session still holds its lock"
    slow.close()
    assert other.declare_dead(slow, prompt=False) == [], "by the lease alone, it lives on"
    wait_until(
        lambda: other.declare_dead(slow) == [slow.lease.relay_id]
    )  # a session ends a moment after its connection


def test_a_settle_whose_commit_was_written_though_its_answer_got_lost_is_no_stale_one(
    relays: tuple[HandRelay, HandRelay], caplog: pytest.LogCaptureFixture
) -> None:
    relay, _ = relays
    (claimed,) = relay.claim()
    outcome = Settlement(claimed, Status.SENT, 1, outcome=Accepted("yes"), began=0, ended=0)
    relay.settle(outcome)

    relay.settle(outcome)

    assert "settle.stale" not in caplog.text
    assert DeliveryAttempt.objects.count() == 1


def test_a_message_that_outlives_too_many_relays_ends_in_the_dead_letter(hand_relay: Callable[[], HandRelay]) -> None:
    message = publish_one(RecipientFactory())
    for _ in range(5):
        lost, survivor = hand_relay(), hand_relay()
        assert len(lost.claim()) == 1
        lost.let_lease_run_out()
        survivor.declare_dead(lost)
        survivor.rescue(lost.lease.relay_id)
    channel = RecordingChannel()

    drain(channel)

    assert (status_of(message), list(channel.sent)) == (Status.FAILED, [])
    assert OutboxMessage.objects.get().error_code == "relay_lost"
