"""G3: a committed message ends as sent, failed, cancelled or expired; it never vanishes, whatever is killed."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Throttled, Transient, Unknown
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient, Relay
from notifications.relay import rescue
from notifications.relay.breaker import Breaker
from notifications.relay.delivery import Delivery
from notifications.relay.dispatch import Dispatcher
from notifications.relay.loop import Loop
from notifications.relay.messages import Claimed, Settlement
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.relay import PATIENT, HandRelay, RecordingChannel, a_loop, drain, running_loop, status_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_published_message_is_sent_and_its_attempt_is_on_record() -> None:
    message = publish_one(RecipientFactory())
    channel = RecordingChannel()

    drain(channel)

    message.refresh_from_db()
    assert (message.status, message.attempts, message.provider_id) == (Status.SENT, 1, f"provider-{message.pk}")
    assert message.sent_at is not None
    attempt = DeliveryAttempt.objects.get(message=message)
    assert (attempt.answer, attempt.claim_number) == ("accepted", 1)
    assert attempt.started_at is not None
    assert attempt.started_at <= attempt.ended_at
    assert [outgoing.parts for outgoing in channel.sent] == [{"text": "Hello Ann"}]


@pytest.mark.parametrize(
    ("answer", "status", "attempts"),
    [
        (Transient("connection_refused"), Status.FAILED, 3),
        (Unknown("timeout"), Status.FAILED, 3),
        (Permanent("twilio_21211"), Status.FAILED, 1),
    ],
)
def test_a_message_that_no_provider_accepts_ends_in_the_dead_letter(
    answer: Outcome, status: Status, attempts: int
) -> None:
    message = publish_one(RecipientFactory())

    drain(RecordingChannel(answer=lambda _: answer))

    message.refresh_from_db()
    assert (message.status, message.attempts, message.error_code) == (status, attempts, answer.code)
    assert [attempt.answer for attempt in message.deliveries.all()] == [answer.answer] * attempts


def test_a_failed_head_lets_its_lane_move_on() -> None:
    recipient = RecipientFactory()
    first, second = publish_one(recipient), publish_one(recipient)

    drain(RecordingChannel(answer=lambda out: Permanent("no") if out.message_id == first.pk else Accepted("yes")))

    assert [status_of(first), status_of(second)] == [Status.FAILED, Status.SENT]


def test_a_throttled_message_uses_up_no_attempt() -> None:
    answers = iter([Throttled("http_429", retry_after=0.01)] * 5)
    message = publish_one(RecipientFactory())

    drain(RecordingChannel(answer=lambda _: next(answers, Accepted("yes"))))

    message.refresh_from_db()
    assert (message.status, message.attempts, message.deliveries.count()) == (Status.SENT, 1, 6)


def test_a_bug_in_a_channel_costs_an_attempt_and_not_the_message() -> None:
    def explode(_: Any) -> Outcome:
        raise RuntimeError("a bug")

    message = publish_one(RecipientFactory())

    drain(RecordingChannel(answer=explode))

    message.refresh_from_db()
    assert (message.status, message.error_code, message.attempts) == (Status.FAILED, "internal_error", 3)


def test_an_answer_that_postgresql_cannot_keep_does_not_hold_up_the_batch() -> None:
    message = publish_one(RecipientFactory())

    drain(RecordingChannel(answer=lambda _: Permanent("c" * 100, "NUL \x00, half a character \ud800, " + "x" * 5000)))

    message.refresh_from_db()
    assert message.status == Status.FAILED
    assert message.error_detail.startswith("NUL , half a character ?, x")


def test_an_expired_message_is_not_sent_and_says_so() -> None:
    late = publish_one(RecipientFactory(), expires_at=timezone.now() - timedelta(seconds=1))
    channel = RecordingChannel()

    drain(channel)

    late.refresh_from_db()
    assert (late.status, late.error_code, list(channel.sent)) == (Status.EXPIRED, "expired", [])


def test_nobody_answering_at_one_channel_leaves_the_others_of_the_lane_to_go_out() -> None:
    recipient = RecipientFactory(email="ann@example.com")
    sms, email = publish(recipient, kind=Kind("test.greeting", channels=("sms", "email")))
    Recipient.objects.filter(pk=recipient.pk).update(phone="")  # it went away after the message was published

    class Email(RecordingChannel):
        address_field = "email"

    drain(RecordingChannel("sms"), Email("email"))

    sms.refresh_from_db()
    assert (sms.status, sms.error_code) == (Status.FAILED, "no_address")
    assert status_of(email) == Status.SENT


def test_attempts_survive_the_relay_that_made_them() -> None:
    message = publish_one(RecipientFactory())
    loops: list[Loop] = []

    def refuse_and_stop(_: Any) -> Outcome:
        loops[-1].stop()
        return Transient("connection_refused")

    for attempts in (1, 2, 3):
        loops.append(a_loop(RecordingChannel(answer=refuse_and_stop)))
        loops[-1].run()
        message.refresh_from_db()
        assert message.attempts == attempts

    assert (message.status, message.deliveries.count()) == (Status.FAILED, 3)
    assert not Relay.objects.exists()


def test_a_retrys_delay_outlives_the_relay_that_ordered_it(hand_relay: Callable[[], HandRelay]) -> None:
    message = publish_one(RecipientFactory())
    relay = hand_relay()
    (claimed,) = relay.claim()

    relay.settle(Settlement(claimed, Status.PENDING, 1, delay=60, outcome=Transient("connection_refused")))
    relay.close()

    assert hand_relay().claim() == [], "it is not due yet, whoever asks"
    message.refresh_from_db()
    assert (message.status, message.attempts) == (Status.PENDING, 1)
    assert timedelta(seconds=50) < message.next_attempt_at - timezone.now() <= timedelta(seconds=60)


def test_a_rolled_back_message_was_never_there() -> None:
    recipient, channel = RecipientFactory(), RecordingChannel()
    with transaction.atomic():
        publish_one(recipient)
        transaction.set_rollback(True)

    drain(channel)

    assert (OutboxMessage.objects.count(), list(channel.sent)) == (0, [])


def test_what_a_stopping_relay_has_not_begun_is_handed_back_as_if_never_claimed(
    hand_relay: Callable[[], HandRelay],
) -> None:
    messages = [publish_one(RecipientFactory()) for _ in range(5)]
    is_sending, may_answer, relay = threading.Event(), threading.Event(), hand_relay()

    def answer_when_told(_: Any) -> Outcome:
        is_sending.set()
        assert may_answer.wait(20)
        return Accepted("yes")

    channels = {"sms": RecordingChannel(answer=answer_when_told)}
    delivery = Delivery(
        channels, lease=relay.lease, policies={"sms": PATIENT}, breakers={"sms": Breaker()}, send_timeout=10
    )
    dispatcher = Dispatcher(delivery, channels, concurrency=1, most=10, on_done=lambda: None)
    dispatcher.submit(relay.claim())
    assert is_sending.wait(20)

    dispatcher.stop()
    relay.settle(*dispatcher.collect())
    assert sorted(map(status_of, messages)) == [Status.PENDING] * 4 + [Status.SENDING]
    assert set(OutboxMessage.objects.values_list("attempts", "rescues")) == {(0, 0)}

    may_answer.set()
    wait_until(lambda: dispatcher.is_idle)
    relay.settle(*dispatcher.collect())
    assert sorted(map(status_of, messages)) == [Status.PENDING] * 4 + [Status.SENT]
    assert DeliveryAttempt.objects.count() == 1


def test_what_a_claim_took_whose_answer_got_lost_is_put_back_by_the_relay_that_lives_on(
    hand_relay: Callable[[], HandRelay],
) -> None:
    """Nobody else would: its number is alive. tests/chaos loses the answer of a real relay's claim."""
    known, unheard = publish_one(RecipientFactory()), publish_one(RecipientFactory())
    relay = hand_relay()
    (heard,) = (message.claim for message in relay.claim() if message.id == known.pk)

    released = rescue.return_unanswered_claims(relay.connection, relay_id=relay.lease.relay_id, in_hand=[heard])

    assert (released, status_of(known), status_of(unheard)) == (1, Status.SENDING, Status.PENDING)
    assert not DeliveryAttempt.objects.exists(), "no send of it had begun"
    assert OutboxMessage.objects.get(pk=unheard.pk).rescues == 0
    assert relay.lease.beat(relay.connection, in_flight=1).held == 1


def test_an_older_claim_in_hand_is_not_taken_for_the_one_that_counts(hand_relay: Callable[[], HandRelay]) -> None:
    """A relay that was stopped beyond its lease may be given anew what it is still sending."""
    message = publish_one(RecipientFactory())
    relay = hand_relay()
    (older,) = relay.claim()
    relay.hand_back(older)
    (newer,) = relay.claim()

    def returned(*in_hand: Claimed) -> int:
        claims = [each.claim for each in in_hand]
        return rescue.return_unanswered_claims(relay.connection, relay_id=relay.lease.relay_id, in_hand=claims)

    assert (returned(older, newer), status_of(message)) == (0, Status.SENDING)
    assert (returned(older), status_of(message)) == (1, Status.PENDING)


def test_a_stopped_relay_finishes_what_is_in_flight_and_leaves() -> None:
    message = publish_one(RecipientFactory())
    is_sending, may_answer = threading.Event(), threading.Event()

    def answer_when_told(_: Any) -> Outcome:
        is_sending.set()
        assert may_answer.wait(20)
        return Accepted("yes")

    with running_loop(RecordingChannel(answer=answer_when_told)):
        assert is_sending.wait(20)
        publish_one(message.recipient)
        threading.Timer(0.1, may_answer.set).start()  # after the stop that leaving this block asks for

    assert status_of(message) == Status.SENT
    assert not Relay.objects.exists()
