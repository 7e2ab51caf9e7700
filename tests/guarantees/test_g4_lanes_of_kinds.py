"""A kind may have a lane of its own: what is urgent waits behind no retry, and each lane keeps its order."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from notifications import outbox
from notifications.channels.base import Outgoing
from notifications.kinds import Fallback, Kind
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Transient
from notifications.models import OutboxMessage, Recipient
from notifications.operations import release_held
from notifications.outbox import To
from notifications.relay.messages import Claimed, Settlement
from tests.factories.notifications import GREETING, RecipientFactory, publish_one, registered
from tests.stage.relay import HandRelay, RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

URGENT = Kind(
    "test.urgent",
    channels=("sms",),
    lane="security",
    fallback={"sms": Fallback("whatsapp", after=timedelta(minutes=10))},
)
PROMPT = 0.1  # seconds from an urgent message's commit to its provider


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered(GREETING, URGENT):
        yield


def urgent(recipient: Recipient, **words: object) -> OutboxMessage:
    return publish_one(recipient, kind=URGENT, **words)


def sent(claimed: Claimed) -> Settlement:
    return Settlement(claimed, Status.SENT, 1, outcome=Accepted(str(claimed.id)), began=0.0, ended=0.0)


def test_each_lane_has_one_in_flight_and_keeps_its_order(hand_relay: Callable[..., HandRelay]) -> None:
    recipient, relay = RecipientFactory(), hand_relay()
    common = [publish_one(recipient) for _ in range(2)]
    codes = [urgent(recipient) for _ in range(2)]

    first = relay.claim()
    assert {message.id for message in first} == {common[0].pk, codes[0].pk}
    assert relay.claim() == [], "the second of each lane waits"
    relay.settle(*map(sent, first))
    assert {message.id for message in relay.claim()} == {common[1].pk, codes[1].pk}


def test_what_is_urgent_goes_out_while_the_rest_is_retried(hand_relay: Callable[..., HandRelay]) -> None:
    recipient, relay = RecipientFactory(), hand_relay()
    publish_one(recipient)
    (claimed,) = relay.claim()
    relay.settle(Settlement(claimed, Status.PENDING, 1, 300.0, Transient("twilio_30008"), began=0.0, ended=0.0))

    code = urgent(recipient)

    assert [message.id for message in relay.claim()] == [code.pk]


def test_behind_a_thousand_of_the_same_person_it_is_with_the_provider_at_once() -> None:
    recipient = RecipientFactory()
    moments: deque[float] = deque()

    def answer(outgoing: Outgoing) -> Outcome:
        if outgoing.kind == URGENT.name:
            moments.append(time.monotonic())
        else:
            time.sleep(0.02)
        return Accepted(str(outgoing.message_id))

    with transaction.atomic():
        outbox.publish_many(
            GREETING.name, [To(recipient, context={"name": str(each)}) for each in range(1000)], context={}
        )
    sms = RecordingChannel(answer=answer)
    with running_loop(sms):
        wait_until(lambda: len(sms.sent) > 2)
        delays = []
        for _ in range(5):
            seen = len(moments)
            urgent(recipient)
            committed = time.monotonic()
            wait_until(lambda seen=seen: len(moments) > seen)  # type: ignore[misc]
            delays.append(moments[-1] - committed)
        assert OutboxMessage.objects.filter(kind=GREETING.name, status="queued").count() > 500
    assert sorted(delays)[2] < PROMPT, delays


def test_a_lane_by_channel_is_one_of_the_kind_and_the_channel(settings: Settings) -> None:
    settings.OUTBOX_LANE = "recipient+channel"
    recipient = RecipientFactory()
    assert [message.lane for message in (publish_one(recipient), urgent(recipient))] == ["sms", "security:sms"]


def test_what_was_held_returns_to_its_own_lane() -> None:
    recipient = RecipientFactory()
    later = timezone.now() + timedelta(hours=1)
    messages = [publish_one(recipient, send_at=later), urgent(recipient, send_at=later)]

    assert release_held.release_due(now=later) == 2

    for message in messages:
        message.refresh_from_db()
    assert [message.lane for message in messages] == ["", "security"]


def test_a_substitute_goes_in_the_lane_of_its_kind() -> None:
    urgent(RecipientFactory())
    drain(RecordingChannel(answer=lambda _: Permanent("twilio_21211")), RecordingChannel("whatsapp"))
    assert list(OutboxMessage.objects.values_list("channel", "lane", "status").order_by("id")) == [
        ("sms", "security", "failed"),
        ("whatsapp", "security", "sent"),
    ]


def test_to_many_at_once_it_goes_in_its_lane_too() -> None:
    with transaction.atomic():
        outbox.publish_many(URGENT.name, [RecipientFactory() for _ in range(3)], context={"name": "Ann"})
    assert set(OutboxMessage.objects.values_list("lane", "status")) == {("security", "pending")}


@pytest.mark.parametrize("lane", ["Security", "(held)", "a:b", "x" * 16, "1st", " "])
def test_a_lane_is_a_short_name(lane: str) -> None:
    with pytest.raises(ValueError, match="names no lane"):
        Kind("test.other", channels=("sms",), lane=lane)
