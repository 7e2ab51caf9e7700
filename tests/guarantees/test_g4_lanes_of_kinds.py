"""A kind may have a lane of its own: what is urgent waits behind no retry, and each lane keeps its order."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from bookings import announcements
from notifications import outbox
from notifications.channels.base import Outgoing
from notifications.kinds import Fallback, Kind
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Transient, Unknown
from notifications.models import ChannelState, OutboxMessage, Recipient
from notifications.operations import release_held
from notifications.outbox import To
from notifications.recipients.contact import recipient_of
from notifications.relay.breaker import FAILURES
from notifications.relay.messages import Claimed, Settlement
from tests.factories.bookings import CustomerFactory
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


class MailChannel(RecordingChannel):
    """Email whose provider is the test."""

    address_field = "email"
    templates = {"text": "email.txt"}


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


def median_delay(publish: Callable[[], object], moments: deque[float]) -> float:
    """Seconds from the commit of a code to its provider: the median of seven, which a busy machine does not move."""
    delays = []
    for _ in range(7):
        committed: list[float] = []
        seen = len(moments)
        with transaction.atomic():
            transaction.on_commit(lambda committed=committed: committed.append(time.monotonic()))  # type: ignore[misc]
            publish()
        wait_until(lambda seen=seen: len(moments) > seen)  # type: ignore[misc]
        delays.append(moments[-1] - committed[0])
    return median(delays)


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
            GREETING.name, [To(recipient, context={"name": str(each)}) for each in range(1300)], context={}
        )
    sms = RecordingChannel(answer=answer)
    with running_loop(sms):
        wait_until(lambda: len(sms.sent) > 2)
        delay = median_delay(lambda: urgent(recipient), moments)
        assert OutboxMessage.objects.filter(kind=GREETING.name, status="queued").count() >= 1000
    assert delay < PROMPT


def test_an_outage_of_sms_delays_no_code_by_email(settings: Settings) -> None:
    settings.OUTBOX_CODES_PER_HOUR = settings.OUTBOX_CODES_PER_DAY = 100
    person = CustomerFactory()
    contact = outbox.contact_of(person)
    moments: deque[float] = deque()

    def answer(outgoing: Outgoing) -> Outcome:
        moments.append(time.monotonic())
        return Accepted(str(outgoing.message_id))

    def code(**address: str) -> None:
        announcements.access_code(outbox.Address(**address), purpose="signin")

    sms, mail = RecordingChannel(answer=lambda _: Unknown("http_503")), MailChannel("email", answer)
    with running_loop(sms, mail):
        for recipient in RecipientFactory.create_batch(FAILURES):
            publish_one(recipient)
        wait_until(lambda: ChannelState.objects.filter(name="sms", broken_at__isnull=False).exists())
        publish_one(recipient_of(person))
        code(phone=contact.phone)
        delay = median_delay(lambda: code(email=contact.email), moments)
    waiting = OutboxMessage.objects.filter(kind="account.access_code_sms")
    assert [message.status for message in waiting] == ["pending"], "the outage lasts, and has used up no code"
    assert delay < PROMPT


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
