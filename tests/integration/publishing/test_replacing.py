"""A newer message takes the place of one that waits under the same key; what is being sent is left alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from notifications import kinds, outbox
from notifications.kinds import Kind
from notifications.lifecycle import HELD, Status, Transient
from notifications.models import OperatorAction, OutboxMessage, Recipient
from notifications.relay.messages import Settlement
from notifications.selectors.timeline import timeline_of
from tests.factories.notifications import GREETING, RecipientFactory, publish, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


def names(recipient: Recipient) -> list[tuple[str, str]]:
    rows = OutboxMessage.objects.filter(recipient=recipient).order_by("pk")
    return [(row.context["name"], row.status) for row in rows]


def test_it_takes_the_place_of_the_one_that_waits() -> None:
    recipient = RecipientFactory()
    publish_one(recipient, name="head")
    old = publish_one(recipient, name="old", replace="eta", reference="parcel:1")
    publish_one(recipient, name="last")

    new = publish_one(recipient, name="new", replace="eta", reference="parcel:2")

    assert (new.pk, new.replaced, new.context, new.status) == (old.pk, True, {"name": "new"}, Status.QUEUED)
    assert names(recipient) == [("head", "pending"), ("new", "queued"), ("last", "queued")]
    assert outbox.messages_about(["parcel:1", "parcel:2"]) == {"parcel:1": [], "parcel:2": [new]}
    assert OperatorAction.objects.get().message_id == old.pk
    assert "Replaced by a newer one, in its place" in [event.what for event in timeline_of(new)]
    assert not publish_one(recipient, name="other", replace="weather").replaced


def test_a_head_that_nobody_has_claimed_is_replaced_too() -> None:
    recipient = RecipientFactory()
    publish(recipient, name="old", replace="eta")
    publish(recipient, name="new", replace="eta")
    sms = RecordingChannel()
    drain(sms)

    assert len(sms.sent) == 1
    assert names(recipient) == [("new", "sent")]


def test_it_keeps_the_moment_and_expires_as_long_after_it_as_its_kind_says() -> None:
    kind = Kind("test.greeting", channels=("sms",), expires_after=timedelta(hours=1))
    recipient, at = RecipientFactory(), timezone.now() + timedelta(hours=3)
    publish(recipient, kind=kind, name="old", replace="eta", send_at=at)

    new = publish_one(recipient, kind=kind, name="new", replace="eta")

    assert (new.lane, new.send_at, new.expires_at) == (HELD, at, at + timedelta(hours=1))
    assert OutboxMessage.objects.get().expires_at == new.expires_at


def test_each_recipient_and_channel_has_its_own() -> None:
    both = Kind("test.greeting", channels=("sms", "email"))
    one, other = RecipientFactory.create_batch(2)
    first = publish(one, kind=GREETING, replace="eta")

    assert [message.replaced for message in publish(other, kind=both, replace="eta")] == [False, False]
    again = publish(one, kind=both, replace="eta")
    assert [(message.channel, message.replaced) for message in again] == [("sms", True), ("email", False)]
    assert again[0].pk == first[0].pk


@pytest.mark.parametrize("is_retried", [False, True])
def test_what_is_being_sent_is_left_alone_and_the_answer_says_so(
    is_retried: bool, hand_relay: Callable[..., HandRelay]
) -> None:
    recipient, relay = RecipientFactory(), hand_relay()
    old = publish_one(recipient, name="old", replace="eta")
    (claimed,) = relay.claim()
    if is_retried:
        relay.settle(Settlement(claimed, Status.PENDING, 1, 0.0, Transient("refused"), began=0, ended=0))

    new = publish_one(recipient, name="new", replace="eta")
    newest = publish_one(recipient, name="newest", replace="eta")

    assert (new.replaced, new.goes_behind) == (False, old.pk)
    assert (newest.pk, newest.replaced) == (new.pk, True)
    if not is_retried:  # the one under way may fail and wait again: nothing forbids that
        relay.settle(Settlement(claimed, Status.PENDING, 1, 0.0, Transient("refused"), began=0, ended=0))
    sms = RecordingChannel()
    drain(sms)
    assert [outgoing.message_id for outgoing in sms.sent] == [old.pk, new.pk]
    assert names(recipient) == [("old", "sent"), ("newest", "sent")]


def test_of_all_that_publish_at_once_one_waits() -> None:
    recipient = RecipientFactory()
    kinds.register(GREETING)
    barrier = threading.Barrier(4)

    def announce(side: int) -> None:
        try:
            barrier.wait(20)
            publish(recipient, name=str(side), replace="eta")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(announce, range(4)))

    assert OutboxMessage.objects.count() == 1


def test_the_database_refuses_a_second_one_that_waits() -> None:
    recipient = RecipientFactory()
    publish(recipient)
    publish(recipient, replace="eta")

    with pytest.raises(IntegrityError, match="message_one_waits_per_key"), transaction.atomic():
        OutboxMessage.objects.create(
            recipient=recipient, kind="test.greeting", channel="sms", context={}, status="queued", replace_key="eta"
        )


def test_a_key_that_cannot_be_is_refused() -> None:
    for words in ({"replace": "x" * 201}, {"replace": "a", "dedupe_key": "b"}):
        with pytest.raises(outbox.InvalidMessage):
            publish(RecipientFactory(), **words)
    assert not OutboxMessage.objects.exists()


def test_an_opt_out_since_then_is_recorded_and_replaces_nothing() -> None:
    recipient = RecipientFactory()
    publish(recipient, name="old", replace="eta")
    Recipient.objects.filter(pk=recipient.pk).update(opt_outs=["sms"])

    assert publish(recipient, name="new", replace="eta") == []
    assert names(recipient) == [("old", "pending"), ("new", "cancelled")], "the relay will not send the old one either"
