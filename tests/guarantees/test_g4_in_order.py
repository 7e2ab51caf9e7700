"""G4: per recipient at most one message is in flight, in commit order, the next only after the last is terminal."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, connections, transaction

from notifications import outbox
from notifications.channels.base import Outgoing
from notifications.checks.promises import ids_follow_the_lock
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Transient
from notifications.models import OutboxMessage, Recipient
from notifications.relay.messages import Claimed, Settlement
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.locks import waiting_for_a_lock
from tests.stage.relay import HandRelay, RecordingChannel, drain, running_loop, status_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def sent(claimed: Claimed) -> Settlement:
    return Settlement(claimed, Status.SENT, claimed.attempts + 1, outcome=Accepted("yes"), began=0, ended=0)


def failed(claimed: Claimed) -> Settlement:
    return Settlement(claimed, Status.FAILED, claimed.attempts + 1, outcome=Permanent("no"), began=0, ended=0)


class OtherTransaction:
    """A publisher in a thread of its own, which commits when the test says so."""

    def __init__(self, publish: Callable[[], object]) -> None:
        self.has_published, self._may_commit = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=[publish])
        self._thread.start()

    def _run(self, publish: Callable[[], object]) -> None:
        try:
            with transaction.atomic():
                publish()
                self.has_published.set()
                assert self._may_commit.wait(20)
        finally:
            connections.close_all()

    def commit(self) -> None:
        self._may_commit.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_a_later_publisher_waits_until_the_earlier_has_committed() -> None:
    """Without the recipient's lock the second would commit first, and be sent first."""
    recipient = RecipientFactory()
    earlier = OtherTransaction(lambda: publish_one(recipient))
    assert earlier.has_published.wait(20)
    later = OtherTransaction(lambda: publish_one(recipient))

    wait_until(waiting_for_a_lock)
    assert not later.has_published.is_set()
    earlier.commit()
    assert later.has_published.wait(20)
    later.commit()

    assert list(OutboxMessage.objects.order_by("id").values_list("status", flat=True)) == [
        Status.PENDING,
        Status.QUEUED,
    ]


def test_publishers_of_different_recipients_do_not_wait_for_each_other() -> None:
    one, other = RecipientFactory(), RecipientFactory()
    first = OtherTransaction(lambda: publish_one(one))
    assert first.has_published.wait(20)

    publish_one(other)

    first.commit()
    assert OutboxMessage.objects.filter(status=Status.PENDING).count() == 2


def test_only_the_head_of_a_lane_is_claimed(hand_relay: Callable[[], HandRelay]) -> None:
    recipient = RecipientFactory()
    first, second = publish_one(recipient), publish_one(recipient)
    relay, other = hand_relay(), hand_relay()

    assert [message.id for message in relay.claim()] == [first.pk]
    assert other.claim() == []
    assert [status_of(first), status_of(second)] == [Status.SENDING, Status.QUEUED]


def test_the_next_is_promoted_in_the_transaction_that_ends_the_head(hand_relay: Callable[[], HandRelay]) -> None:
    recipient = RecipientFactory()
    first, second = publish_one(recipient), publish_one(recipient)
    relay = hand_relay()

    relay.settle(*map(sent, relay.claim()))

    assert [status_of(first), status_of(second)] == [Status.SENT, Status.PENDING]


def test_a_retry_keeps_its_place_at_the_head(hand_relay: Callable[[], HandRelay]) -> None:
    recipient = RecipientFactory()
    first, second = publish_one(recipient), publish_one(recipient)
    relay = hand_relay()
    (claimed,) = relay.claim()

    relay.settle(Settlement(claimed, Status.PENDING, 1, 3600.0, Transient("connection_refused"), began=0, ended=0))

    assert [status_of(first), status_of(second)] == [Status.PENDING, Status.QUEUED]
    assert relay.claim() == []


def test_a_settle_waits_for_no_publisher_and_strands_none(hand_relay: Callable[[], HandRelay]) -> None:
    """The promotion could not see the uncommitted message: so the lane is left for the next flush."""
    recipient, free = RecipientFactory(), RecipientFactory()
    busy, other = publish_one(recipient), publish_one(free)
    relay = hand_relay()
    outcomes = [sent(claimed) for claimed in relay.claim()]
    publisher = OtherTransaction(lambda: publish_one(recipient))
    assert publisher.has_published.wait(20)

    waiting = relay.settle(*outcomes)

    assert [settlement.message.id for settlement in waiting] == [busy.pk]
    assert [status_of(busy), status_of(other)] == [Status.SENDING, Status.SENT]
    publisher.commit()
    assert relay.settle(*waiting) == []
    assert status_of(busy) == Status.SENT
    assert OutboxMessage.objects.filter(recipient=recipient, status=Status.PENDING).count() == 1


def test_the_database_refuses_a_second_head_in_a_lane() -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)

    with pytest.raises(IntegrityError, match="message_one_head_per_lane"):
        OutboxMessage.objects.filter(pk=second.pk).update(status=Status.PENDING)


def test_ids_follow_commits_because_the_sequence_caches_nothing() -> None:
    assert ids_follow_the_lock(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_outboxmessage ALTER COLUMN id SET CACHE 20")
        try:
            assert [error.id for error in ids_follow_the_lock(databases=["default"])] == ["notifications.E005"]
        finally:
            cursor.execute("ALTER TABLE notifications_outboxmessage ALTER COLUMN id SET CACHE 1")


class Provider:
    """Sees what a provider sees: calls with a begin and an end, some of them refused; knows nothing of our tables."""

    def __init__(self, seed: int) -> None:
        self._lock, self._random = threading.Lock(), random.Random(seed)
        self._open: Counter[str] = Counter()
        self.overlaps: list[str] = []
        self.accepted: dict[str, list[int]] = defaultdict(list)

    def answer(self, outgoing: Outgoing) -> Outcome:
        with self._lock:
            self._open[outgoing.address] += 1
            if self._open[outgoing.address] > 1:
                self.overlaps.append(outgoing.address)
            is_refused = self._random.random() < 0.05
        time.sleep(self._random.random() * 0.002)
        with self._lock:
            self._open[outgoing.address] -= 1
            if not is_refused:
                self.accepted[outgoing.address].append(outgoing.message_id)
        return Transient("http_429") if is_refused else Accepted("yes")


def publish_many(recipients: list[Recipient], barrier: threading.Barrier, seed: int) -> list[int]:
    """Publish 60 messages to random recipients, some rolled back; returns the ids that were committed."""
    rng, committed = random.Random(seed), []
    barrier.wait(20)
    try:
        for _ in range(60):
            recipient = rng.choice(recipients)
            is_rolled_back = rng.random() < 0.1
            with transaction.atomic():
                message = publish_one(recipient)
                time.sleep(rng.random() * 0.003)  # publishers that overlap
                transaction.set_rollback(is_rolled_back)
            if not is_rolled_back:
                committed.append(message.pk)
    finally:
        connections.close_all()
    return committed


def test_two_relays_and_four_publishers_keep_every_lane_in_order() -> None:
    recipients, provider = RecipientFactory.create_batch(8), Provider(seed=7)
    first, second = (RecordingChannel(answer=provider.answer) for _ in range(2))
    barrier = threading.Barrier(4)
    with running_loop(first), running_loop(second), ThreadPoolExecutor(4) as pool:
        published = pool.map(lambda seed: publish_many(recipients, barrier, seed), range(4))
        committed = {pk for batch in published for pk in batch}
        wait_until(lambda: not OutboxMessage.objects.exclude(status__in=["sent", "failed"]).exists(), seconds=60)

    accepted = [pk for lane in provider.accepted.values() for pk in lane]
    ended_well = set(OutboxMessage.objects.filter(status=Status.SENT).values_list("id", flat=True))
    assert sorted(accepted) == sorted(ended_well), "sent once each, nothing that was rolled back, nothing lost"
    assert set(OutboxMessage.objects.values_list("id", flat=True)) == committed
    assert all(lane == sorted(lane) for lane in provider.accepted.values()), "ids are commit order in each lane"
    assert provider.overlaps == []
    assert first.sent, "both relays took part"
    assert second.sent, "both relays took part"


def test_a_replayed_message_goes_before_everything_younger_that_still_waits() -> None:
    recipient = RecipientFactory()
    refused, sent_meanwhile = publish_one(recipient), publish_one(recipient)
    drain(RecordingChannel(answer=lambda out: Permanent("no") if out.message_id == refused.pk else Accepted("yes")))
    head, last = publish_one(recipient), publish_one(recipient)

    assert outbox.replay([refused.pk], actor="ann") == [refused.pk]

    channel = RecordingChannel()
    drain(channel)
    assert [outgoing.message_id for outgoing in channel.sent] == [head.pk, refused.pk, last.pk]
    assert status_of(sent_meanwhile) == Status.SENT
