"""Caps: so many messages in an hour and a day to one recipient, and to one number whoever has it; exactly so many."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from notifications.conf import Cap
from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Outcome, Transient
from notifications.models import OutboxMessage
from notifications.models.allowance import Allowance
from notifications.relay.caps import Caps
from notifications.relay.messages import Claimed, Settlement
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.locks import waiting_for_a_lock
from tests.stage.relay import HandRelay, RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def codes() -> dict[str, int]:
    """How many messages there are by status and code."""
    return Counter(" ".join(row).strip() for row in OutboxMessage.objects.values_list("status", "error_code"))


@pytest.mark.parametrize("per", ["hour", "day"])
def test_what_is_over_a_recipients_cap_is_not_sent_and_says_so(per: str) -> None:
    ann, ben = RecipientFactory(), RecipientFactory()
    for recipient in (ann, ann, ann, ben):
        publish(recipient)
    channel = RecordingChannel()
    drain(channel, caps=[Cap("recipient", per, 2)])

    assert codes() == {"sent": 3, f"cancelled cap_recipient_{per}": 1}
    assert len(channel.sent) == 3
    assert OutboxMessage.objects.filter(recipient=ann).order_by("id").last().status == "cancelled", "the newest"


def test_everybody_with_one_number_shares_its_cap_over_all_relays() -> None:
    for recipient in RecipientFactory.create_batch(30, phone="+14155550001"):
        publish(recipient)
    channels = RecordingChannel(), RecordingChannel()
    caps = {"caps": [Cap("number", "hour", 7)], "batch": 3}
    with running_loop(channels[0], **caps), running_loop(channels[1], **caps):
        wait_until(lambda: not OutboxMessage.objects.filter(finished_at=None).exists())

    assert codes() == {"sent": 7, "cancelled cap_number_hour": 23}
    assert sum(len(channel.sent) for channel in channels) == 7


def test_relays_that_claim_at_the_same_moment_count_one_after_the_other(hand_relay: Callable[..., HandRelay]) -> None:
    for recipient in RecipientFactory.create_batch(2, phone="+14155550001"):
        publish(recipient)
    Allowance.objects.create(key="number:+14155550001")  # inserting it would be a lock by itself
    caps = Caps([Cap("number", "hour", 1)], address_fields={"sms": "phone"})
    first, second = hand_relay(), hand_relay()
    claimed = first.claim(limit=1), second.claim(limit=1)
    split: list[tuple[list[Claimed], list[Settlement]]] = []

    def claim() -> None:
        with caps.transaction(second.connection):
            split.append(caps.apply(second.connection, claimed[1]))

    thread = threading.Thread(target=claim)
    with caps.transaction(first.connection):
        assert caps.apply(first.connection, claimed[0]) == (claimed[0], [])
        thread.start()
        wait_until(lambda: second.connection.info.backend_pid in waiting_for_a_lock())
    thread.join(10)

    ((allowed, refused),) = split
    assert (allowed, [each.code for each in refused]) == ([], ["cap_number_hour"])


def test_messages_without_a_number_share_none(hand_relay: Callable[..., HandRelay]) -> None:
    """They fail for want of an address, and each says so."""
    for recipient in RecipientFactory.create_batch(2):
        publish(recipient)
    relay = hand_relay()
    claimed = [message._replace(phone="") for message in relay.claim()]
    caps = Caps([Cap("number", "hour", 1)], address_fields={"sms": "phone"})
    with caps.transaction(relay.connection):
        assert caps.apply(relay.connection, claimed) == (claimed, [])


def test_of_one_claim_as_many_go_out_as_the_cap_leaves(hand_relay: Callable[..., HandRelay]) -> None:
    for recipient in RecipientFactory.create_batch(5, phone="+14155550001"):
        publish(recipient)
    relay = hand_relay()
    claimed = relay.claim()
    caps = Caps([Cap("number", "hour", 3)], address_fields={"sms": "phone"})
    with caps.transaction(relay.connection):
        allowed, refused = caps.apply(relay.connection, claimed)
    assert (allowed, [each.message for each in refused]) == (claimed[:3], claimed[3:])
    assert Allowance.objects.get(key="number:+14155550001").in_hour == 3


def test_sms_and_whatsapp_to_one_number_count_together_and_email_does_not() -> None:
    channels = RecordingChannel("sms"), RecordingChannel("whatsapp"), RecordingChannel("email")
    channels[2].address_field = "email"
    publish(RecipientFactory(), kind=Kind("test.greeting", channels=("sms", "whatsapp", "email")))
    drain(*channels, caps=[Cap("number", "day", 1)])

    assert [len(channel.sent) for channel in channels] == [1, 0, 1]


def test_a_number_has_one_cap_however_it_is_written() -> None:
    channel = RecordingChannel("sms")
    for phone in ("+525512345678", "+5215512345678"):
        publish_one(RecipientFactory(phone=phone))
    drain(channel, caps=[Cap("number", "day", 1)])

    assert [each.address for each in channel.sent] == ["+525512345678"]


def test_a_message_that_is_tried_again_counts_once() -> None:
    answers: list[Outcome] = [Transient("busy"), Transient("busy"), Accepted("yes")]
    message = publish_one(RecipientFactory())
    drain(RecordingChannel(answer=lambda _: answers.pop(0)), caps=[Cap("recipient", "hour", 1)])

    message.refresh_from_db()
    assert (message.status, message.attempts) == ("sent", 3)
    assert set(Allowance.objects.values_list("in_hour", flat=True)) == {1}


def test_what_one_cap_refuses_does_not_use_up_another() -> None:
    recipient = RecipientFactory()
    for _ in range(3):
        publish(recipient)
    drain(RecordingChannel(), caps=[Cap("recipient", "hour", 1), Cap("recipient", "day", 2)])

    assert Allowance.objects.get(key=f"recipient:{recipient.pk}").in_day == 1


def test_a_new_hour_begins_at_nothing() -> None:
    recipient, caps = RecipientFactory(), [Cap("recipient", "hour", 1)]
    publish(recipient)
    drain(RecordingChannel(), caps=caps)
    Allowance.objects.update(hour=F("hour") - timedelta(hours=1))
    publish(recipient)
    drain(RecordingChannel(), caps=caps)

    assert codes() == {"sent": 2}


def test_without_caps_nothing_is_counted() -> None:
    publish(RecipientFactory())
    drain(RecordingChannel())

    assert (codes(), Allowance.objects.count()) == ({"sent": 1}, 0)
