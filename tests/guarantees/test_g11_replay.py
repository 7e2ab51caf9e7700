"""G11: replay never breaks order, however many it replays at once, and who replayed what, when and why is on record."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from notifications import outbox
from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Outcome, Permanent
from notifications.models import BulkReplay, OperatorAction, OutboxMessage
from notifications.operations import bulk_replay, replay
from notifications.operations.correct_address import correct_address
from notifications.selectors.failed_messages import Selection, preview_replay
from tests.factories.notifications import RecipientFactory, publish_one
from tests.guarantees.test_g7_g8_crowds import fill, people
from tests.stage.relay import HandRelay, RecordingChannel, drain, running_loop, status_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE, FAILED = 400, 10_000


class WatchfulProvider(RecordingChannel):
    """Accepts everything, and notes the order per recipient and whether two of one recipient ever overlap."""

    def __init__(self, lane_of: dict[int, int]) -> None:
        super().__init__()
        self._lane_of = lane_of
        self._in_flight: Counter[int] = Counter()
        self._lock = threading.Lock()
        self.order: dict[int, list[int]] = defaultdict(list)
        self.overlaps: list[int] = []

    def send(self, outgoing: Outgoing, deadline: object) -> Outcome:
        lane = self._lane_of[outgoing.message_id]
        with self._lock:
            self._in_flight[lane] += 1
            self.order[lane].append(outgoing.message_id)
            if self._in_flight[lane] > 1:
                self.overlaps.append(outgoing.message_id)
        time.sleep(0.001)  # a quick provider's
        with self._lock:
            self._in_flight[lane] -= 1
        return Accepted("yes")


def begin(selection: Selection, *, reason: str = "the carrier is back") -> BulkReplay:
    return bulk_replay.start(selection, preview_replay(selection), actor="ana", reason=reason)


def drive(bulk_id: int) -> None:
    """As a page does that stays open, beside others."""
    try:
        while bulk_replay.work(bulk_id, seconds=0.2).finished_at is None:
            pass
    finally:
        connections.close_all()


def test_ten_thousand_at_once_go_in_order_one_at_a_time_and_each_is_on_record() -> None:
    """Two drive the replay, two relays send, and every lane has younger messages that wait."""
    first = people(PEOPLE)
    fill(FAILED, status="failed", recipient=f"{first} + number % {PEOPLE}")
    failed = set(OutboxMessage.objects.values_list("pk", flat=True))
    fill(PEOPLE, status="pending", recipient=f"{first} - 1 + number")
    fill(PEOPLE, status="queued", recipient=f"{first} - 1 + number")
    provider = WatchfulProvider(dict(OutboxMessage.objects.values_list("pk", "recipient_id")))
    begun = begin(Selection(channel="sms"))
    with running_loop(provider), running_loop(provider), ThreadPoolExecutor() as drivers:
        list(drivers.map(drive, [begun.pk] * 2))
        wait_until(lambda: not OutboxMessage.objects.exclude(status="sent").exists(), seconds=60)

    begun.refresh_from_db()
    assert (begun.total, begun.replayed) == (FAILED, FAILED)
    assert provider.overlaps == []
    assert Counter(len(order) for order in provider.order.values()) == {FAILED // PEOPLE + 2: PEOPLE}
    for order in provider.order.values():
        replayed = [message for message in order if message in failed]
        others = [message for message in order if message not in failed]
        assert replayed == sorted(replayed)
        assert others == sorted(others)
    records = OperatorAction.objects.filter(action="replay", actor="ana", reason="the carrier is back", bulk=begun)
    assert set(records.values_list("message_id", flat=True)) == failed
    assert records.count() == FAILED


def test_a_replayed_message_goes_before_what_is_younger_and_waits(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    failed = publish_one(recipient)
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_30008", "No.")))
    younger = [publish_one(recipient) for _ in range(3)]
    relay = hand_relay()
    (head,) = relay.claim()
    replay.replay([failed.pk], actor="ana", reason="number corrected")
    assert status_of(failed) == "queued", "one is in flight: the lane's next it is, and no sooner"
    relay.hand_back(head)
    channel = RecordingChannel()
    drain(channel)
    expected = [younger[0].pk, failed.pk, younger[1].pk, younger[2].pk]
    assert [outgoing.message_id for outgoing in channel.sent] == expected
    failed.refresh_from_db()
    assert [attempt.answer for attempt in failed.deliveries.order_by("claim_number")] == ["permanent", "accepted"]


def test_interrupted_it_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(50, status="failed", recipient=f"{people(5)} + number % 5")
    monkeypatch.setattr(bulk_replay, "BATCH", 10)
    begun = begin(Selection())
    batches = iter([False, False, True])
    genuine = bulk_replay.replay_batch

    def dies(*args: object, **words: object) -> list[int]:
        done = genuine(*args, **words)
        if next(batches, False):
            raise SystemExit("the web process was stopped before its commit")  # an error would pass a bad row over
        return done

    monkeypatch.setattr(bulk_replay, "replay_batch", dies)
    with pytest.raises(SystemExit):
        bulk_replay.work(begun.pk, seconds=60)
    begun.refresh_from_db()
    assert (begun.replayed, OperatorAction.objects.count()) == (20, 20), "the third batch is undone as a whole"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_bulkreplay SET worked_at = statement_timestamp() - interval '1 minute'")
    assert bulk_replay.finish_abandoned(seconds=60) == 1
    assert set(OperatorAction.objects.values_list("message_id", flat=True)) == set(
        OutboxMessage.objects.values_list("pk", flat=True)
    )
    assert OperatorAction.objects.count() == 50
    assert bulk_replay.finish_abandoned(seconds=60) == 0


def test_what_fails_after_the_preview_is_not_part_of_it() -> None:
    seen = publish_one(RecipientFactory())
    channel = RecordingChannel(answer=lambda outgoing: Permanent("twilio_30008", "No."))
    drain(channel)
    begun = begin(Selection())
    later = publish_one(RecipientFactory())
    drain(channel)
    assert bulk_replay.work(begun.pk, seconds=60).replayed == 1
    assert (status_of(seen), status_of(later)) == ("pending", "failed")


def test_an_address_is_corrected_and_the_message_replayed_or_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    recipient = RecipientFactory(phone="+14155550199")
    failed = publish_one(recipient)
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "No.")))
    change = {"field": "phone", "actor": "ana", "reason": "she called", "replaying": [failed.pk]}
    with pytest.raises(outbox.InvalidContact):
        correct_address(recipient.pk, address="12", **change)
    with monkeypatch.context() as broken:
        broken.setattr("notifications.protocol.lanes.notify_after_commit", lambda using: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            correct_address(recipient.pk, address="+14155550123", **change)
    recipient.refresh_from_db()
    assert (recipient.phone, status_of(failed)) == ("+14155550199", "failed")
    assert not OperatorAction.objects.exists()
    assert correct_address(recipient.pk, address="+1 415 555 0123", **change) == [failed.pk]
    channel = RecordingChannel()
    drain(channel)
    assert [outgoing.address for outgoing in channel.sent] == ["+14155550123"]
    details = list(OperatorAction.objects.order_by("pk").values_list("action", "actor", "detail"))
    assert details == [("change_address", "ana", "phone: +1415…99 → +1415…23"), ("replay", "ana", "")]
