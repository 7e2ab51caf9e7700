"""A claim goes back to the beginning every second and when it finds too little: a retry or a slow commit may stand
before its position."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from notifications.models import OutboxMessage
from notifications.relay.claim import REWIND_SECONDS, Claimer
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)

Claim = Callable[[int], list[int]]


@pytest.fixture
def now() -> list[float]:
    """The claimer's clock."""
    return [0.0]


@pytest.fixture
def claim(hand_relay: Callable[..., HandRelay], now: list[float]) -> Claim:
    """Claims at most so many; the ids of what it got."""
    relay, claimer = hand_relay(), Claimer(clock=lambda: now[0])

    def claim(limit: int) -> list[int]:
        claimed = claimer.claim(relay.connection, relay_id=relay.lease.relay_id, limits={"sms": limit})
        return [message.id for message in claimed]

    return claim


def publish(number: int) -> list[int]:
    return [publish_one(RecipientFactory()).pk for _ in range(number)]


def move_to_the_front(message_id: int, *, hours: int = 1) -> None:
    OutboxMessage.objects.filter(pk=message_id).update(next_attempt_at=F("next_attempt_at") - timedelta(hours=hours))


def test_what_comes_due_before_the_position_is_claimed_within_a_second(claim: Claim, now: list[float]) -> None:
    first, second, third, fourth, last = publish(5)
    assert claim(1) == [first]
    move_to_the_front(fourth)
    assert claim(1) == [second], "from its position on"
    now[0] += REWIND_SECONDS
    assert claim(1) == [fourth]
    move_to_the_front(last, hours=2)
    assert claim(1) == [third], "from its position on again, for another second"


def test_after_a_claim_that_left_room_the_next_begins_at_the_beginning(claim: Claim) -> None:
    first, second = publish(2)
    assert claim(2) == [first, second]
    (third,) = publish(1)
    assert claim(2) == [third]
    before, after = publish(2)
    move_to_the_front(before)
    assert claim(2) == [before, after]


def test_a_claim_that_finds_nothing_from_its_position_on_looks_from_the_beginning(claim: Claim) -> None:
    first, early = publish(2)
    assert claim(1) == [first]
    move_to_the_front(early)
    assert claim(1) == [early]
