"""A claim goes back to the beginning every second: a retry or a slow commit may stand before its position."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from notifications.models import OutboxMessage
from notifications.relay.claim import REWIND_SECONDS, Claimer
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_comes_due_before_the_position_is_claimed_within_a_second(hand_relay: Callable[..., HandRelay]) -> None:
    relay, now = hand_relay(), [0.0]
    messages = [publish_one(RecipientFactory()) for _ in range(4)]
    claimer = Claimer(clock=lambda: now[0])

    def claim() -> list[int]:
        claimed = claimer.claim(relay.connection, relay_id=relay.lease.relay_id, limits={"sms": 1})
        return [message.id for message in claimed]

    assert claim() == [messages[0].pk]
    OutboxMessage.objects.filter(pk=messages[3].pk).update(next_attempt_at=F("next_attempt_at") - timedelta(hours=1))
    assert claim() == [messages[1].pk], "from its position on"
    now[0] += REWIND_SECONDS
    assert claim() == [messages[3].pk]
