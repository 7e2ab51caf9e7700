"""What a message waits for, in words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from notifications.kinds import Kind
from notifications.lifecycle import Status, Transient
from notifications.models import ChannelState, OutboxMessage, Relay
from notifications.operations import pause_channel
from notifications.operations.replay import cancel
from notifications.relay.messages import Settlement
from notifications.selectors.database_clock import database_now
from notifications.selectors.outgoing import words_of
from notifications.selectors.waits import waits_of
from tests.factories.notifications import RecipientFactory, publish_one, registered
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)


def waits(message: OutboxMessage) -> dict[str, str]:
    """What it waits for: words by code."""
    return {wait.code: wait.words for wait in waits_of(OutboxMessage.objects.get(pk=message.pk))}


@pytest.fixture
def relay(hand_relay: Callable[..., HandRelay]) -> HandRelay:
    """A relay that is running, so that none is missing."""
    return hand_relay()


def test_a_head_that_is_due_waits_for_a_relay_alone() -> None:
    message = publish_one(RecipientFactory())
    assert list(waits(message)) == ["due", "no_relay"]
    assert waits(message)["no_relay"] == "needs a relay, and none is running"


def test_a_retry_says_when_and_after_what_and_those_behind_name_it(relay: HandRelay) -> None:
    recipient = RecipientFactory()
    head, second, third = (publish_one(recipient) for _ in range(3))
    (claimed,) = relay.claim()
    outcome = Transient("twilio_30008", "Unknown error")
    relay.settle(Settlement(claimed, Status.PENDING, 1, 300.0, outcome, began=0.0, ended=0.0))
    at = OutboxMessage.objects.get(pk=head.pk).next_attempt_at
    retry = (
        f"is retried at {at:%H:%M:%S} UTC, because the provider has trouble of its own (twilio_30008, Unknown error)"
    )
    if at.date() == database_now().date():  # else the day is said as well
        assert waits(head) == {"retry": retry}
        assert waits(second) == {"behind": f"is behind message {head.pk}, which {retry}"}
    assert waits(third)["behind"].startswith(f"is behind message {head.pk} and 1 more, which is retried at")
    (wait,) = waits_of(OutboxMessage.objects.get(pk=third.pk))
    assert wait.message == head.pk


def test_what_is_being_sent_says_by_whom_and_when_its_relay_is_gone_that_it_was_lost(relay: HandRelay) -> None:
    message = publish_one(RecipientFactory())
    relay.claim()
    host = Relay.objects.get().host
    assert waits(message)["sending"].startswith(f"is being sent by relay {relay.lease.relay_id} on {host} for ")
    relay.let_lease_run_out()
    assert list(waits(message)) == ["lost"]
    assert f"by relay {relay.lease.relay_id}, which is gone" in waits(message)["lost"]


def test_a_paused_channel_says_who_since_when_and_why(relay: HandRelay) -> None:
    recipient = RecipientFactory()
    head, second = (publish_one(recipient) for _ in range(2))
    pause_channel.pause("sms", actor="ana", reason="wrong sender")
    assert list(waits(head)) == ["paused"]
    assert waits(head)["paused"].startswith("waits while sms is paused, by ana since ")
    assert waits(head)["paused"].endswith(" because “wrong sender”")
    assert list(waits(second)) == ["behind", "paused"]
    pause_channel.resume("sms", actor="ana")
    assert list(waits(head)) == ["due"]


def test_an_outage_says_since_when_and_when_it_is_tried_again(relay: HandRelay) -> None:
    message = publish_one(RecipientFactory())
    now = database_now()
    ChannelState.objects.create(name="sms", broken_at=now, probe_at=now + timedelta(seconds=30))
    assert waits(message)["broken"].startswith("waits for the provider of sms, out of service since ")
    assert "one message tries it again at " in waits(message)["broken"]
    ChannelState.objects.update(last_error="twilio_20003")
    assert ", because the provider refuses our credentials (twilio_20003); one message" in waits(message)["broken"]


def test_a_limit_counts_while_it_is_set(relay: HandRelay, settings: Any) -> None:
    message = publish_one(RecipientFactory())
    ChannelState.objects.create(name="sms", next_slot_at=Now() + timedelta(minutes=1))
    assert list(waits(message)) == ["due"]
    settings.OUTBOX_RATES = {"sms": 5}
    assert waits(message) == {"limited": "waits for its turn: sms may send 5 messages a second"}


def test_a_channel_that_is_gone_is_named(relay: HandRelay) -> None:
    fax = Kind("test.greeting", channels=("fax",))
    with registered(fax):
        message = publish_one(RecipientFactory(), kind=fax)
    assert waits(message)["unknown_channel"] == "needs a channel fax, and none of this name is configured"
    assert words_of(message).problem == "No channel called fax is configured."


def test_what_is_done_waits_for_nothing() -> None:
    message = publish_one(RecipientFactory())
    cancel([message.pk], actor="ana", reason="called off")
    assert waits(message) == {}
