"""Messages whose callback never came are asked for: in time, a few at a time, and not for ever."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from notifications.channels.base import DeliveryReport
from notifications.lifecycle import Answer, Reason, ReceiptStatus, Status, Throttled, Transient
from notifications.models import Bookmark, DeliveryAttempt, OutboxMessage, Receipt, Recipient
from notifications.receipts import poll as polling
from notifications.receipts.poll import LATER_SECONDS, Polled, note_silent, poll
from notifications.receipts.record import MessageReport, record
from notifications.schedules import poll_receipts
from tests.factories.notifications import RecipientFactory
from tests.stage.relay import RecordingChannel

pytestmark = pytest.mark.django_db


class AskedChannel(RecordingChannel):
    """A channel whose provider says of each message what the test wants."""

    can_look_up = True

    def __init__(self, **says: Any) -> None:
        super().__init__()
        self.says = says
        self.asked: list[str] = []

    def look_up(self, provider_id: str, deadline: Any) -> Any:
        self.asked.append(provider_id)
        return self.says.get(provider_id)


@pytest.fixture
def recipient() -> Recipient:
    note_silent(["sms"])  # what was accepted before the first poll is not looked at
    recipient: Recipient = RecipientFactory()
    return recipient


def sent(recipient: Recipient, provider_id: str, *, minutes_ago: float = 11, channel: str = "sms") -> OutboxMessage:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    message = OutboxMessage.objects.create(
        recipient=recipient,
        kind="test.greeting",
        channel=channel,
        context={},
        status=Status.SENT,
        claim_number=1,
        finished_at=at,
        provider_id=provider_id,
    )
    DeliveryAttempt.objects.create(
        message=message, claim_number=1, relay_id=1, ended_at=at, answer=Answer.ACCEPTED, provider_id=provider_id
    )
    return message


def poll_now(channel: AskedChannel, **options: Any) -> Polled:
    return poll({"sms": channel}, pause=lambda seconds: None, **options)


def receipt_of(message: OutboxMessage) -> str:
    message.refresh_from_db()
    return message.receipt


def test_a_message_of_which_nothing_was_told_is_asked_for(recipient: Recipient) -> None:
    message = sent(recipient, "a")
    assert poll_now(AskedChannel(a=DeliveryReport(ReceiptStatus.DELIVERED))) == Polled(asked=1, heard=1)
    assert receipt_of(message) == "delivered"
    assert poll_now(AskedChannel()) == Polled(), "and never again"


def test_a_young_message_is_left_alone_and_not_forgotten(recipient: Recipient) -> None:
    """Attempts are written in order, but for moments: one that is too young holds up those behind it."""
    messages = [sent(recipient, "young", minutes_ago=9), sent(recipient, "old", minutes_ago=11)]
    assert poll_now(AskedChannel(old=DeliveryReport(ReceiptStatus.READ))).asked == 0
    DeliveryAttempt.objects.update(ended_at=F("ended_at") - timedelta(minutes=5))
    assert (
        poll_now(
            AskedChannel(young=DeliveryReport(ReceiptStatus.DELIVERED), old=DeliveryReport(ReceiptStatus.READ))
        ).heard
        == 2
    )
    assert [receipt_of(message) for message in messages] == ["delivered", "read"]


def test_who_was_told_is_not_asked(recipient: Recipient) -> None:
    message = sent(recipient, "a")
    record(MessageReport(message.pk, "a", DeliveryReport(ReceiptStatus.DELIVERED)), channels=["sms"])
    channel = AskedChannel()
    assert poll_now(channel) == Polled()
    assert channel.asked == []


def test_after_sent_and_silence_it_is_asked_again_and_again_but_not_for_ever(recipient: Recipient) -> None:
    message = sent(recipient, "a")
    channel = AskedChannel(a=DeliveryReport(ReceiptStatus.SENT))
    for later in [*LATER_SECONDS, None]:
        assert poll_now(channel).asked == 1
        assert poll_now(channel).asked == 0, "not at once"
        poll_at = message.receipts.get().poll_at
        if later is None:
            assert poll_at is None
        else:
            assert poll_at - timezone.now() == pytest.approx(timedelta(seconds=later), abs=timedelta(seconds=5))
            Receipt.objects.update(poll_at=timezone.now())
    assert len(channel.asked) == 4


def test_trouble_ends_the_poll_and_costs_nobody_a_turn(recipient: Recipient) -> None:
    for name in "abc":
        sent(recipient, name)
    for trouble in (Transient("asking_http_503"), Throttled("asking_http_429", 5.0)):
        polled = poll_now(AskedChannel(a=DeliveryReport(ReceiptStatus.DELIVERED), b=trouble, c=trouble))
        assert polled.trouble == f"sms: {trouble.code}"
        assert Receipt.objects.filter(polls=0).count() == 3
        Receipt.objects.exclude(status=ReceiptStatus.DELIVERED).update(poll_at=timezone.now())
    assert poll_now(AskedChannel()).asked == 2


def test_a_channel_whose_provider_throttles_keeps_no_other_from_being_asked(recipient: Recipient) -> None:
    for name in "abc":
        sent(recipient, f"sms {name}")
        sent(recipient, f"email {name}", channel="email")
    slow = AskedChannel(**{f"sms {name}": Throttled("asking_http_429", 5.0) for name in "abc"})
    willing = AskedChannel(**{f"email {name}": DeliveryReport(ReceiptStatus.DELIVERED) for name in "abc"})
    polled = poll({"sms": slow, "email": willing}, pause=lambda seconds: None)
    assert polled == Polled(asked=3, heard=3, trouble="sms: asking_http_429")
    assert len(slow.asked) == 1
    assert Receipt.objects.filter(polls=0, status="sent").count() == 3, "as if they had not been asked"


def test_a_poll_has_its_limits(recipient: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "AT_ONCE", 2)
    for number in range(7):
        sent(recipient, f"m{number}")
    channel, pauses = AskedChannel(), list[float]()
    assert poll({"sms": channel}, most=5, per_second=4, pause=pauses.append).asked == 5
    assert pauses == [0.25] * 5


def test_channels_that_cannot_be_asked_are_not(recipient: Recipient) -> None:
    sent(recipient, "a", channel="email")
    channel = AskedChannel()
    assert poll({"sms": channel, "email": RecordingChannel("email")}, pause=lambda _: None) == Polled()
    assert channel.asked == []


def test_the_reading_goes_on_where_it_ended(recipient: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "READ_AT_ONCE", 2)
    for number in range(5):
        sent(recipient, f"m{number}")
    assert poll_now(AskedChannel()).asked == 5
    assert Bookmark.objects.get().position == DeliveryAttempt.objects.latest("id").pk


def test_an_opt_out_reported_late_counts_at_once(recipient: Recipient) -> None:
    sent(recipient, "a")
    poll_now(AskedChannel(a=DeliveryReport(ReceiptStatus.UNDELIVERED, "twilio_21610", reason=Reason.OPTED_OUT)))
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["sms"]
    consent = recipient.consents.get()
    assert (consent.how, consent.actor, consent.is_opt_in) == ("provider", "twilio_21610", False)


def test_the_command_and_the_task_say_what_they_did(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("poll_receipts")
    assert capsys.readouterr().out.strip() == poll_receipts() == "Asked about 0 messages; news of 0."


class BrokenChannel(AskedChannel):
    def look_up(self, provider_id: str, deadline: Any) -> Any:
        answer = super().look_up(provider_id, deadline)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    "answer", [KeyError("status"), {"status": "delivered"}, "delivered"], ids=["error", "dict", "text"]
)
def test_an_answer_that_nobody_can_read_keeps_no_other_message_from_being_asked_about(
    recipient: Recipient, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 3):
        sent(recipient, f"SM{number}")
    delivered = DeliveryReport(ReceiptStatus.DELIVERED)
    channel = BrokenChannel(SM1=delivered, SM2=answer, SM3=delivered)
    assert poll({"sms": channel}, pause=lambda _: None) == Polled(asked=3, heard=2)
    assert "poll of sms failed on message" in caplog.text
    assert poll({"sms": channel}, pause=lambda _: None).asked == 0, "it is asked again in an hour"


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (DeliveryReport(ReceiptStatus.UNDELIVERED, code=30003), "30003"),  # type: ignore[arg-type]
        (DeliveryReport(ReceiptStatus.UNDELIVERED, code="x" * 100), "x" * 64),
        (DeliveryReport(ReceiptStatus.UNDELIVERED, code="a\x00b", detail="\ud800\x00"), "ab"),
        (DeliveryReport("undelivered", code="no"), "no"),  # type: ignore[arg-type]
    ],
    ids=["a number", "a long text", "NUL", "a status in text"],
)
def test_a_report_with_a_field_of_another_type_is_recorded(recipient: Recipient, report: Any, code: str) -> None:
    message = sent(recipient, "SM1")
    assert poll({"sms": AskedChannel(SM1=report)}, pause=lambda _: None).heard == 1
    (receipt,) = Receipt.objects.filter(message=message, status="undelivered")
    assert receipt.code == code


@pytest.mark.parametrize("answer", [SystemExit, GeneratorExit])
def test_what_a_look_up_raises_keeps_no_other_message_from_being_asked_about(
    recipient: Recipient, answer: type[BaseException]
) -> None:
    class Leaving(AskedChannel):
        def look_up(self, provider_id: str, deadline: Any) -> Any:
            if provider_id == "SM1":
                raise answer
            return super().look_up(provider_id, deadline)

    sent(recipient, "SM1", minutes_ago=12), sent(recipient, "SM2")
    assert poll({"sms": Leaving(SM2=DeliveryReport(ReceiptStatus.DELIVERED))}, pause=lambda _: None).heard == 1
