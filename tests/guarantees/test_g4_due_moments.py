"""G4 with `send_at`: what waits for its moment holds up nobody; once due, it goes in the order of due moments."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from notifications.lifecycle import HEAD, Accepted, Status
from notifications.models import OutboxMessage, Recipient
from notifications.operations.release_held import release_due
from notifications.relay.messages import Settlement
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


class Lane:
    """One lane, and in plain Python what its head must be. The test's clock counts in minutes from `base`, which lies
    ahead, so that every moment is in the future when it is published.
    """

    def __init__(self, relay: HandRelay) -> None:
        self.recipient, self.relay = RecipientFactory(), relay
        self.base, self.minute = timezone.now() + timedelta(days=1), 0
        self.held: dict[int, int] = {}  # message: when it is due
        self.waiting: dict[int, int] = {}
        self.head: int | None = None

    def at(self, minute: int) -> datetime:
        return self.base + minute * MINUTE

    def publish(self) -> None:
        message = publish_one(self.recipient)
        OutboxMessage.objects.filter(pk=message.pk).update(created_at=self.at(self.minute))
        self.waiting[message.pk] = self.minute
        self.lead()

    def publish_for(self, minute: int) -> None:
        message = publish_one(self.recipient, send_at=self.at(minute))
        self.held[message.pk] = minute

    def release(self) -> None:
        due = {message: minute for message, minute in self.held.items() if minute <= self.minute}
        assert release_due(now=self.at(self.minute)) == len(due)
        self.held = {message: minute for message, minute in self.held.items() if message not in due}
        self.waiting |= due
        self.lead()

    def send(self) -> None:
        claimed = self.relay.claim()
        assert [message.id for message in claimed] == [self.head] * (self.head is not None)
        for message in claimed:
            sent = Settlement(message, Status.SENT, 1, outcome=Accepted("yes"), began=0, ended=0)
            assert self.relay.settle(sent) == []
            self.head = None
        self.lead()

    def lead(self) -> None:
        if self.head is None and self.waiting:
            self.head = min(self.waiting, key=lambda message: self.waiting[message])
            del self.waiting[self.head]

    def heads(self) -> list[int]:
        return list(
            OutboxMessage.objects.filter(recipient=self.recipient, status__in=HEAD).values_list("pk", flat=True)
        )


@pytest.mark.parametrize("seed", range(12))
def test_messages_go_in_the_order_in_which_they_are_due(seed: int, hand_relay: Callable[..., HandRelay]) -> None:
    """However late what is due is released, and whatever was published, sent or due meanwhile."""
    chance = random.Random(seed)
    lane = Lane(hand_relay())
    for _ in range(60):
        lane.minute += 1
        move = chance.choices(["publish", "later", "release", "send"], [4, 4, 2, 3])[0]
        if move == "later":
            taken = {*lane.held.values(), *lane.waiting.values()}
            lane.publish_for(chance.choice([minute for minute in range(lane.minute, 200) if minute not in taken][:25]))
        else:
            {"publish": lane.publish, "release": lane.release, "send": lane.send}[move]()
        assert lane.heads() == [lane.head] * (lane.head is not None)
    lane.minute = 300
    lane.release()
    while lane.head is not None:
        lane.send()
        assert lane.heads() == [lane.head] * (lane.head is not None)
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent"}


def test_what_waits_for_its_moment_holds_up_nobody() -> None:
    recipient: Recipient = RecipientFactory()
    sms = RecordingChannel()
    later = publish_one(recipient, send_at=timezone.now() + timedelta(hours=1))
    first, second = publish_one(recipient), publish_one(recipient)
    drain(sms)

    assert [outgoing.message_id for outgoing in sms.sent] == [first.pk, second.pk]
    later.refresh_from_db()
    assert later.status == Status.QUEUED
    assert release_due() == 0, "its moment has not come"
    assert release_due(now=timezone.now() + timedelta(hours=2)) == 1
    drain(sms)
    assert [outgoing.message_id for outgoing in sms.sent][2:] == [later.pk]
