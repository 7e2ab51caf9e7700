"""What went out is sent again: a new message, linked, on record, within caps; and what may not be is refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from notifications import kinds, outbox
from notifications.errors import NotSentAgain
from notifications.kinds import Fallback, Kind
from notifications.lifecycle import Permanent, Status
from notifications.models import MessageReference, OperatorAction, OutboxMessage, PublishedKey, Recipient
from notifications.operations.erase import erase
from notifications.operations.send_again import send_again, ways_again
from tests.factories.notifications import RecipientFactory, publish_one, registered
from tests.factories.staff import staff
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
ONE_WAY = Kind("test.greeting", channels=("sms",))
TWO_WAYS = Kind("test.greeting", channels=("sms",), fallback={"sms": Fallback("email", timedelta(hours=1))})


@pytest.fixture(autouse=True)
def two_ways() -> Iterator[None]:
    with registered(TWO_WAYS):
        yield


def sent(recipient: Recipient | None = None, **words: Any) -> OutboxMessage:
    message = publish_one(recipient or RecipientFactory(), kind=TWO_WAYS, **words)
    drain(RecordingChannel())
    return OutboxMessage.objects.get(pk=message.pk)


def refusal(message: OutboxMessage, **words: Any) -> str:
    with pytest.raises(NotSentAgain) as refused:
        send_again(message.pk, actor="ann", **words)
    return refused.value.code


def test_a_new_message_says_the_same_and_is_on_record() -> None:
    original = sent(dedupe_key="booking:7:confirmed", reference="booking:7", name="Bob")
    repeat = outbox.send_again(original.pk, actor="ann", reason="the phone was off")

    assert (repeat.status, repeat.channel, repeat.reference) == (Status.PENDING, "sms", "booking:7")
    assert (repeat.context, repeat.dedupe_key) == ({"name": "Bob"}, "")  # the fact was announced once
    assert repeat.repeat_of.original == original
    assert PublishedKey.objects.count() == 1
    assert MessageReference.objects.filter(reference="booking:7").count() == 2
    (on_record,) = OperatorAction.objects.all()
    assert (on_record.action, on_record.message_id, on_record.actor) == ("send_again", original.pk, "ann")
    assert (on_record.reason, on_record.detail) == ("the phone was off", f"as message {repeat.pk}, by sms")
    channel = RecordingChannel()
    drain(channel)
    assert [each.parts["text"] for each in channel.sent] == ["Hello Bob"]


def test_it_goes_behind_what_waits_and_to_todays_address() -> None:
    recipient = RecipientFactory()
    original, waiting = sent(recipient), publish_one(recipient, kind=TWO_WAYS)
    repeat = send_again(original.pk, actor="ann")
    Recipient.objects.filter(pk=recipient.pk).update(phone="+14155550199")

    assert repeat.status == Status.QUEUED
    channel = RecordingChannel()
    drain(channel)
    assert [(each.message_id, each.address) for each in channel.sent] == [
        (waiting.pk, "+14155550199"),
        (repeat.pk, "+14155550199"),
    ]


def test_another_channel_carries_it_also_where_the_first_failed() -> None:
    with registered(ONE_WAY):  # no fallback steps in
        message = publish_one(RecipientFactory(), kind=ONE_WAY)
        drain(RecordingChannel(answer=lambda _: Permanent("twilio_21211")))
    message.refresh_from_db()

    assert refusal(message) == "failed"
    assert ways_again(message) == ["email"]
    assert send_again(message.pk, channel="email", actor="ann").channel == "email"
    message.refresh_from_db()
    assert message.status == Status.FAILED  # and may still be replayed


def test_what_a_repeat_repeats_has_one_original_and_a_cap(settings: Settings) -> None:
    settings.OUTBOX_CAP_REPEATS_DAY = 2
    original = sent()
    first = send_again(original.pk, actor="ann")
    assert refusal(original) == "under_way"  # as after a second click
    drain(RecordingChannel())
    second = send_again(first.pk, actor="ann")
    drain(RecordingChannel())

    assert {second.repeat_of.original_id, first.repeat_of.original_id} == {original.pk}
    with pytest.raises(NotSentAgain) as refused:
        send_again(second.pk, channel="email", actor="ann")
    assert refused.value.code == "too_often"
    assert 86_000 < (refused.value.retry_after or 0) <= 86_401
    OutboxMessage.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=25))
    send_again(original.pk, actor="ann")


def test_two_at_once_write_one() -> None:
    original = sent()

    def press(_: int) -> str:
        try:
            send_again(original.pk, actor="ann")
        except NotSentAgain as refused:
            return refused.code
        finally:
            connection.close()
        return "sent"

    with ThreadPoolExecutor(4) as hands:
        assert sorted(hands.map(press, range(4))) == ["sent", *["under_way"] * 3]


def test_what_waits_expired_or_was_withdrawn_is_not_sent_again() -> None:
    waiting = publish_one(RecipientFactory(), kind=TWO_WAYS)
    assert (refusal(waiting), ways_again(waiting)) == ("waits", [])
    outbox.cancel([waiting.pk])
    assert refusal(waiting) == "withdrawn"
    late = sent(expires_at=timezone.now() + timedelta(hours=1))
    OutboxMessage.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    assert refusal(late) == "too_late"
    assert refusal(OutboxMessage(pk=4711)) == "gone"


@pytest.mark.parametrize(
    "kind",
    [replace(ONE_WAY, holds_code=True), replace(ONE_WAY, may_be_repeated=False)],
)
def test_codes_and_security_notices_are_not_sent_again(kind: Kind) -> None:
    message = sent()
    with registered(kind):
        assert (refusal(message), ways_again(message)) == ("kind", [])


def test_no_notice_of_ours_about_an_address_may_be_repeated() -> None:
    about_accounts = [name for name in kinds.names() if name.startswith("account.")]
    assert about_accounts
    assert {name: kinds.ways_to_repeat(name) for name in about_accounts} == dict.fromkeys(about_accounts, ())


def test_who_cannot_or_does_not_want_to_be_reached_is_left_alone(settings: Settings) -> None:
    recipient = RecipientFactory(email="")
    message = sent(recipient)
    assert refusal(message, channel="email") == "no_address"
    assert refusal(message, channel="whatsapp") == "channel"
    settings.OUTBOX_ALLOWED_COUNTRIES = ("DE",)
    assert refusal(message) == "country_not_allowed"
    Recipient.objects.filter(pk=recipient.pk).update(opt_outs=["sms"])
    assert refusal(message) == "opted_out"
    erase(recipient, actor="ann")
    assert refusal(message) == "forgotten"
    assert OutboxMessage.objects.count() == 1


def test_support_sends_again_from_the_messages_page() -> None:
    message = sent()
    page = reverse("admin:notifications_outboxmessage_change", args=[message.pk])
    again = reverse("admin:notifications_outboxmessage_again", args=[message.pk])
    acting = staff("view_outboxmessage", "repeat_outboxmessage")

    assert again in acting.get(page).content.decode()
    assert acting.post(again, {"channel": "pigeon", "reason": "x"}).status_code == 200
    answer = acting.post(again, {"channel": "email", "reason": "phone is lost"}, follow=True).content.decode()
    repeat = OutboxMessage.objects.get(repeat_of__original=message)
    assert f"as message {repeat.pk}" in answer
    assert f"message {message.pk}</a>" in answer
    told = acting.get(page).content.decode()
    assert "Sent again" in told
    assert "phone is lost" in told
