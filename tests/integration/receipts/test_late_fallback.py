"""Fallback: WhatsApp, and SMS if that is refused or not known to have arrived; once, and in the lane's order."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications import outbox, schedules
from notifications.channels.base import DeliveryReport
from notifications.kinds import Fallback, Kind
from notifications.lifecycle import Accepted, Outcome, Permanent, ReceiptStatus
from notifications.models import OutboxMessage, PlannedFallback, Recipient
from notifications.operations.replay import replay
from notifications.receipts import late_fallback, record
from notifications.receipts.record import MessageReport
from tests.factories.notifications import RecipientFactory, publish, registered
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
AFTER = timedelta(minutes=10)
KIND = Kind("test.greeting", channels=("whatsapp",), fallback={"whatsapp": Fallback("sms", after=AFTER)})
LATER = timedelta(minutes=11)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with registered(KIND):
        yield


def refuse(_: Any) -> Outcome:
    return Permanent("twilio_63024", "Invalid message recipient")


def channels(answer: Callable[..., Outcome] | None = None) -> tuple[RecordingChannel, RecordingChannel]:
    return RecordingChannel("whatsapp", answer), RecordingChannel("sms")


def rows() -> list[tuple[str, str]]:
    return list(OutboxMessage.objects.order_by("id").values_list("channel", "status"))


def news(message: OutboxMessage, what: ReceiptStatus) -> None:
    message.refresh_from_db()
    record.record(MessageReport(message.pk, message.provider_id, DeliveryReport(what)), channels=["whatsapp"])


def sent(**changes: Any) -> OutboxMessage:
    (message,) = publish(RecipientFactory(), kind=KIND, **changes)
    drain(*channels())
    return message


def test_what_is_refused_goes_out_on_the_other_channel_at_once_and_says_for_what() -> None:
    (message,) = publish(RecipientFactory(), kind=KIND, reference="booking:7")
    whatsapp, sms = channels(refuse)
    drain(whatsapp, sms)

    assert rows() == [("whatsapp", "failed"), ("sms", "sent")]
    assert [len(whatsapp.sent), len(sms.sent)] == [1, 1]
    original, substitute = outbox.messages_about(["booking:7"])["booking:7"]
    assert (original.pk, substitute.stands_in.message_id) == (message.pk, message.pk)
    assert (substitute.context, substitute.dedupe_key) == (original.context, original.dedupe_key)


def test_of_many_that_are_refused_together_each_has_its_own_substitute() -> None:
    originals = [publish(RecipientFactory(), kind=KIND, reference=f"booking:{each}")[0] for each in range(9)]
    drain(*channels(refuse))

    plans = PlannedFallback.objects.select_related("message", "substitute")
    assert {plan.message_id for plan in plans} == {message.pk for message in originals}
    assert all(plan.substitute.recipient_id == plan.message.recipient_id for plan in plans)
    assert all(plan.substitute.reference == plan.message.reference for plan in plans)


@pytest.mark.parametrize("lane", ["recipient", "recipient+channel"])
def test_the_substitute_comes_after_what_was_published_before_it(settings: Settings, lane: str) -> None:
    settings.OUTBOX_LANE = lane
    recipient = RecipientFactory()
    publish(recipient, kind=KIND)
    publish(recipient, kind=Kind("test.other", channels=("sms",)))
    order: list[str] = []
    with registered(Kind("test.other", channels=("sms",))):
        sms = RecordingChannel("sms", lambda outgoing: order.append(outgoing.kind) or Accepted("yes"))
        drain(RecordingChannel("whatsapp", refuse), sms)

    ids = dict(OutboxMessage.objects.values_list("kind", "id").filter(channel="sms"))
    assert ids["test.other"] < ids["test.greeting"]
    assert rows()[-1] == ("sms", "sent")


def test_what_is_not_known_to_have_arrived_in_time_goes_out_on_the_other_channel_once() -> None:
    message = sent()
    assert (late_fallback.fall_back_due(), rows()) == (0, [("whatsapp", "sent")]), "not before its time"

    news(message, ReceiptStatus.SENT)
    assert late_fallback.fall_back_due(now=timezone.now() + LATER) == 1
    assert late_fallback.fall_back_due(now=timezone.now() + LATER) == 0
    assert rows() == [("whatsapp", "sent"), ("sms", "pending")]
    assert schedules.fall_back() == "0 messages sent on another channel"


@pytest.mark.parametrize("what", [ReceiptStatus.DELIVERED, ReceiptStatus.READ])
def test_what_has_arrived_meanwhile_needs_no_other_channel(what: ReceiptStatus) -> None:
    news(sent(), what)

    assert late_fallback.fall_back_due(now=timezone.now() + LATER) == 0
    assert rows() == [("whatsapp", "sent")]
    assert not PlannedFallback.objects.filter(due_at__isnull=False).exists(), "and it is not looked at again"


def test_news_that_it_did_not_arrive_count_at_once_and_once() -> None:
    message = sent()
    news(message, ReceiptStatus.UNDELIVERED)
    news(message, ReceiptStatus.UNDELIVERED)

    assert rows() == [("whatsapp", "sent"), ("sms", "pending")]
    assert late_fallback.fall_back_due(now=timezone.now() + LATER) == 0


def test_a_replay_that_fails_again_gets_no_second_substitute() -> None:
    (message,) = publish(RecipientFactory(), kind=KIND)
    drain(*channels(refuse))
    replay([message.pk], actor="ann")
    drain(*channels(refuse))

    assert rows() == [("whatsapp", "failed"), ("sms", "sent")]


def test_what_was_withdrawn_or_is_too_late_does_not_fall_back() -> None:
    (message,) = publish(RecipientFactory(), kind=KIND)
    outbox.cancel([message.pk])
    drain(*channels(refuse))
    sent(expires_at=timezone.now() + timedelta(seconds=60))
    OutboxMessage.objects.update(expires_at=timezone.now())

    assert late_fallback.fall_back_due(now=timezone.now() + LATER) == 0
    assert rows() == [("whatsapp", "cancelled"), ("whatsapp", "sent")]


def test_who_does_not_want_the_first_channel_gets_the_other_at_once() -> None:
    recipient: Recipient = RecipientFactory(opt_outs=["whatsapp"])
    (message,) = publish(recipient, kind=KIND)

    assert message.channel == "sms"
    assert rows() == [("whatsapp", "cancelled"), ("sms", "pending")]
    assert publish(RecipientFactory(opt_outs=["sms", "whatsapp"]), kind=KIND) == []


def test_kinds_that_say_nothing_do_not_fall_back() -> None:
    publish(RecipientFactory(), kind=Kind("test.greeting", channels=("whatsapp",)))
    drain(*channels(refuse))

    assert rows() == [("whatsapp", "failed")]
    assert not PlannedFallback.objects.exists()
