"""Deliveries that a mail server puts off: tried when the server says, and not after the message has expired."""

import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications import kinds
from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Deferral, Outcome, Transient, Unknown
from notifications.models import OutboxMessage
from notifications.operations.replay import replay
from notifications.policy.retry import RetryPolicy
from notifications.relay.breaker import FAILURES, Breaker
from notifications.relay.delivery import Delivery
from notifications.relay.messages import EarlierAttempts
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import PATIENT, HandRelay, RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def put_off(outgoing: Outgoing) -> Outcome:
    return Transient("smtp_451", "Greylisted, try again in 3600 seconds", Deferral(3600.0))


def tried(message: OutboxMessage) -> OutboxMessage:
    """`message` after a relay has tried it once."""
    with running_loop(RecordingChannel(answer=put_off)):
        wait_until(lambda: OutboxMessage.objects.get(pk=message.pk).attempts == 1)
    return OutboxMessage.objects.get(pk=message.pk)


def test_a_greylisted_message_is_tried_again_when_the_server_said() -> None:
    before = timezone.now()
    waiting = tried(publish_one(RecipientFactory()))

    assert waiting.status == "pending"
    assert timedelta(seconds=3600) <= waiting.next_attempt_at - before < timedelta(seconds=3660)


LATER = Transient("smtp_451", "Greylisted", Deferral())
QUICK = RetryPolicy(
    max_attempts=3, backoff_seconds=0, backoff_max_seconds=0, max_rescues=5, max_deferrals=5, deferral_seconds=0
)


def drained(answers: Sequence[Outcome], message: OutboxMessage) -> tuple[str, int, int]:
    """The status, attempts and deferrals of `message`, whose provider gives these answers, one an attempt."""
    following = iter(answers)
    drain(RecordingChannel(answer=lambda outgoing: next(following)), policy=QUICK)
    message.refresh_from_db()
    return message.status, message.attempts, message.deferrals


@pytest.mark.parametrize("setback", [Transient("connection_refused"), Unknown("timeout")], ids=lambda each: each.code)
def test_a_message_greylisted_twice_outlives_a_refused_connection_and_a_lost_answer(setback: Outcome) -> None:
    message = publish_one(RecipientFactory())
    assert drained([LATER, LATER, setback, LATER, setback, Accepted("yes")], message) == ("sent", 6, 3)


def test_a_message_ends_after_its_own_number_of_failures_however_often_it_was_greylisted() -> None:
    message = publish_one(RecipientFactory())
    away = Transient("connection_refused")
    assert drained([away, LATER, LATER, away, LATER, away], message) == ("failed", 6, 3)


def test_a_message_ends_after_its_own_number_of_deferrals_however_often_it_failed() -> None:
    message = publish_one(RecipientFactory())
    away = Transient("connection_refused")
    assert drained([away, away, *[LATER] * 5], message) == ("failed", 7, 5)


def test_a_kind_that_names_its_number_of_attempts_is_tried_no_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    message = publish_one(RecipientFactory())
    monkeypatch.setitem(kinds._registered, message.kind, replace(kinds.get(message.kind), max_attempts=2))
    assert drained([LATER, Transient("connection_refused")], message) == ("failed", 2, 1)


def test_a_replay_counts_what_was_put_off_anew() -> None:
    message = publish_one(RecipientFactory())
    assert drained([LATER] * 5, message) == ("failed", 5, 5)
    replay([message.pk], actor="ann")
    message.refresh_from_db()
    assert (message.attempts, message.deferrals) == (0, 0)


def test_what_an_older_release_replayed_starts_with_no_deferrals() -> None:
    """It knows no deferrals: it sets the attempts to nothing, and leaves them."""
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.update(deferrals=4)
    away = Transient("connection_refused")
    assert drained([away, LATER, LATER, away, away], message) == ("failed", 5, 2)


def test_a_message_that_is_handed_back_keeps_its_deferrals(hand_relay: Callable[..., HandRelay]) -> None:
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.update(attempts=2, deferrals=2)
    relay = hand_relay()
    (claimed,) = relay.claim()
    assert claimed.deferrals == 2
    relay.hand_back(claimed)
    message.refresh_from_db()
    assert (message.status, message.attempts, message.deferrals) == ("pending", 2, 2)


def test_a_greylisted_message_holds_its_lane_no_longer_than_until_it_expires() -> None:
    expires_at = timezone.now() + timedelta(minutes=10)
    waiting = tried(publish_one(RecipientFactory(), expires_at=expires_at))

    assert waiting.status == "pending"
    assert abs(waiting.next_attempt_at - expires_at) < timedelta(seconds=2)


def test_greylisted_recipients_are_no_outage_and_a_server_that_turns_everybody_away_is_one() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        assert breaker.record(Transient("smtp_451", deferral=Deferral()))
    assert breaker.take_report().failures == 0
    for _ in range(FAILURES):
        breaker.record(Transient("smtp_421", deferral=Deferral(is_about_message=False)))
    assert breaker.take_report().failures == FAILURES


@pytest.mark.parametrize("why", ["it is stopping", "its lease is in doubt"])
def test_a_relay_begins_no_send_and_hands_back_the_message(hand_relay: Callable[..., HandRelay], why: str) -> None:
    publish_one(RecipientFactory())
    relay, channel = hand_relay(), RecordingChannel()
    (message,) = relay.claim()
    delivery = Delivery(
        {"sms": channel}, lease=relay.lease, policies={"sms": PATIENT}, breakers={"sms": Breaker()}, send_timeout=10.0
    )
    if why == "it is stopping":
        delivery.is_stopping = True
    else:
        relay.lease.suspend()
    settlement = copy_context().run(delivery.deliver, message)  # it leaves its language and zone active
    assert (settlement.status, settlement.attempts, settlement.outcome) == ("pending", 0, None)
    assert len(channel.sent) == 0


class Asked(RecordingChannel):
    """A channel that calls `meanwhile` when it is asked about an earlier attempt, of which it knows nothing."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def find(self, *_: Any, **__: Any) -> None:
        self._meanwhile()


def test_a_relay_whose_session_is_lost_while_it_asks_begins_no_send(hand_relay: Callable[..., HandRelay]) -> None:
    publish_one(RecipientFactory())
    relay = hand_relay()
    (message,) = relay.claim()
    channel = Asked(meanwhile=relay.lease.suspend)
    delivery = Delivery(
        {"sms": channel}, lease=relay.lease, policies={"sms": PATIENT}, breakers={"sms": Breaker()}, send_timeout=10.0
    )
    asked_before = message._replace(earlier=EarlierAttempts(read_at=time.monotonic()))
    settlement = copy_context().run(delivery.deliver, asked_before)
    assert (settlement.status, settlement.attempts, settlement.outcome) == ("pending", 0, None)
    assert len(channel.sent) == 0


@pytest.mark.parametrize(
    ("waited", "asking", "status"), [(50.0, 5.0, "sent"), (61.0, 0.0, "expired"), (50.0, 11.0, "expired")]
)
def test_what_expires_between_the_claim_and_the_call_is_not_sent(
    hand_relay: Callable[..., HandRelay], waited: float, asking: float, status: str
) -> None:
    """A code that a relay claimed in time, and that waited for its turn, or while the provider was asked."""
    publish_one(RecipientFactory(), expires_at=timezone.now() + timedelta(minutes=1))
    relay, clock = hand_relay(), [time.monotonic()]
    (message,) = relay.claim()
    channel = Asked(meanwhile=lambda: clock.append(clock.pop() + asking))
    clock[0] += waited
    delivery = Delivery(
        {"sms": channel},
        lease=relay.lease,
        policies={"sms": PATIENT},
        breakers={"sms": Breaker()},
        send_timeout=10.0,
        clock=lambda: clock[0],
    )
    asked_before = message._replace(earlier=EarlierAttempts(read_at=clock[0]))
    settlement = copy_context().run(delivery.deliver, asked_before)
    assert (settlement.status, len(channel.sent)) == (status, int(status == "sent"))


def test_a_number_of_a_country_that_is_no_longer_allowed_gets_nothing(settings: Any) -> None:
    message = publish_one(RecipientFactory(phone="+14155550123"))
    settings.OUTBOX_ALLOWED_COUNTRIES = ["DE"]
    channel = RecordingChannel()
    drain(channel)
    message.refresh_from_db()
    assert (message.status, message.error_code, len(channel.sent)) == ("cancelled", "country_not_allowed", 0)
