"""G4, G6 and G10 where a channel has several routes: a provider fails, and its messages go over another.

Certainly not accepted: at once on the next route. Unknown: the provider of that route is asked first, and only its
"no", or the end of the patience, lets the message go on.
"""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from notifications.channels.base import DeliveryReport, Outgoing
from notifications.lifecycle import Accepted, Outcome, Permanent, Reason, ReceiptStatus, Status, Throttled, Transient
from notifications.lifecycle import Unknown as Lost
from notifications.models import ChannelState, OutboxMessage, Recipient, Relay
from notifications.operations import pause_channel
from notifications.receipts.record import MessageReport, record
from notifications.relay import rescue
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RUN_OUT, HandRelay
from tests.stage.routes import QUICK, AskableProvider, Provider, drain_routes, routes, running_routes
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

DOWN = Transient("connection_refused")
NUMBERS = itertools.count(4155550100)


def messages(number: int, *, country: str = "+1") -> list[OutboxMessage]:
    """Each of a recipient of its own."""
    return [publish_one(RecipientFactory(phone=f"{country}{next(NUMBERS)}")) for _ in range(number)]


def history(message: OutboxMessage) -> list[tuple[str, str, str]]:
    return list(message.deliveries.order_by("claim_number").values_list("route", "answer", "code"))


def now_of(message: OutboxMessage) -> OutboxMessage:
    message.refresh_from_db()
    return message


@pytest.mark.parametrize(
    "refusal", [DOWN, Throttled("http_429", 30.0), Permanent("twilio_21408")], ids=["down", "throttled", "refused"]
)
def test_what_was_certainly_not_accepted_goes_over_the_next_route_at_once_as_one_attempt(refusal: Outcome) -> None:
    first, second = Provider("twilio", answer=refusal), Provider("vonage")
    [message] = messages(1)
    drain_routes(first, second)
    assert (now_of(message).status, message.attempts, message.route) == ("sent", 1, "vonage")
    assert history(message) == [("twilio", refusal.answer, refusal.code), ("vonage", "accepted", "")]
    refused, accepted = message.deliveries.order_by("claim_number")
    assert (accepted.started_at - refused.ended_at).total_seconds() < 1.0, "it did not wait"


def test_a_refusal_that_says_something_of_the_recipient_ends_the_message() -> None:
    refusal = Permanent("twilio_21211", reason=Reason.ADDRESS_INVALID)
    first, second = Provider("twilio", answer=refusal), Provider("vonage")
    [message] = messages(1)
    drain_routes(first, second)
    assert (now_of(message).status, message.error_code, list(second.sent)) == ("failed", "twilio_21211", [])


def test_all_routes_down_is_one_attempt_a_turn_and_a_message_fails_once_all_have_refused_it_for_good() -> None:
    down, refusing = Provider("twilio", answer=DOWN), Provider("vonage", answer=Permanent("no_sender"))
    [waits] = messages(1)
    drain_routes(down, refusing)
    assert (now_of(waits).status, waits.attempts, waits.routes_tried) == ("failed", 3, "vonage!")
    assert waits.error_code == "connection_refused", "the one that refused for good was not asked again"
    assert len(refusing.sent) == 1

    [ends] = messages(1)
    drain_routes(Provider("twilio", answer=Permanent("no_sender")), refusing)
    assert (now_of(ends).status, ends.attempts, ends.error_code) == ("failed", 1, "no_sender")


@pytest.mark.parametrize("found", [Accepted("first-id"), None], ids=["yes", "no"])
def test_after_a_lost_answer_the_provider_of_that_route_is_asked_and_only_its_no_moves_the_message(
    found: Accepted | None,
) -> None:
    first, second = AskableProvider("twilio", answer=Lost("timeout")), AskableProvider("vonage")
    first.found = found
    [message] = messages(1)
    drain_routes(first, second)
    assert first.asked == [message.pk]
    assert second.asked == []
    if found:
        assert (now_of(message).provider_id, message.route, list(second.sent)) == ("first-id", "twilio", [])
        assert history(message) == [("twilio", "unknown", "timeout"), ("twilio", "accepted", "adopted")]
    else:
        assert history(message) == [("twilio", "unknown", "timeout"), ("vonage", "accepted", "sent_again")]


def test_a_provider_that_does_not_answer_is_asked_again_until_the_patience_ends() -> None:
    first, second = AskableProvider("twilio", answer=Lost("timeout")), AskableProvider("vonage")
    first.found = Transient("asking_http_503")
    [message] = messages(1)
    drain_routes(first, second, times=replace(QUICK, patience=0.3))
    questions = [row for row in history(message) if row[2] == "asking_http_503"]
    assert questions
    assert {route for route, _, _ in questions} == {"twilio"}
    assert history(message)[-1] == ("vonage", "accepted", "sent_again"), "marked: it may arrive twice"
    assert now_of(message).attempts == 2, "a question that was not answered uses up no attempt"


def test_a_provider_that_cannot_be_asked_keeps_the_message_until_the_patience_ends() -> None:
    answers = iter([Lost("timeout")])
    first = Provider("twilio", answer=lambda outgoing: next(answers, Accepted("again")))
    second = Provider("vonage")
    [message] = messages(1)
    drain_routes(first, second)
    assert history(message) == [("twilio", "unknown", "timeout"), ("twilio", "accepted", "sent_again")]
    assert list(second.sent) == []

    first, second = Provider("twilio", answer=Lost("timeout")), Provider("vonage")
    [message] = messages(1)
    with running_routes(first, second, times=replace(QUICK, patience=0.4)):
        wait_until(lambda: first.sent)
        pause_channel.pause("sms:twilio", actor="test")
        wait_until(lambda: now_of(message).status == "sent")
    assert message.route == "vonage"
    unknown, accepted = message.deliveries.filter(answer="unknown").last(), message.deliveries.get(answer="accepted")
    assert (accepted.started_at - unknown.ended_at).total_seconds() >= 0.35


def test_a_provider_that_then_refuses_the_message_for_good_is_not_tried_again_and_again() -> None:
    answers = iter([Lost("timeout")])
    first = Provider("smtp", answer=lambda outgoing: next(answers, Permanent("smtp_550")))
    second = Provider("backup")
    [message] = messages(1)
    drain_routes(first, second, times=replace(QUICK, patience=0.5))
    expected = [("smtp", "unknown", "timeout"), ("smtp", "permanent", "smtp_550"), ("backup", "accepted", "sent_again")]
    assert history(message) == expected
    assert now_of(message).attempts == 2
    unknown, _, accepted = message.deliveries.order_by("claim_number")
    assert (accepted.started_at - unknown.ended_at).total_seconds() >= 0.45


def test_the_route_is_written_before_the_send_so_that_after_a_loss_the_right_provider_is_asked(
    hand_relay: Callable[..., HandRelay],
) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def hang(outgoing: Outgoing) -> Outcome:
        began.set()
        goes_on.wait(20)
        return Accepted("too late")

    first, second = AskableProvider("twilio", answer=DOWN), AskableProvider("vonage", answer=hang)
    [message] = messages(1)
    with running_routes(first, second):
        assert began.wait(20)
        survivor = hand_relay()
        lost = Relay.objects.exclude(pk=survivor.lease.relay_id).get().pk
        survivor.connection.execute(RUN_OUT, [[lost]])
        survivor.rescue(*rescue.declare_dead(survivor.connection, [lost], prompt=False))
        assert history(message)[-1] == ("vonage", "unknown", "relay_lost")
        second.found = Accepted("it-has-it")
        survivor.close()
        goes_on.set()
        wait_until(lambda: now_of(message).status == "sent")
    assert (message.provider_id, message.route, message.attempts) == ("it-has-it", "vonage", 1)
    assert (first.asked, len(second.sent)) == ([], 1)


def test_a_receipt_from_the_first_route_after_the_send_on_the_second_is_recognised() -> None:
    first, second = AskableProvider("twilio", answer=Lost("timeout")), AskableProvider("vonage")
    [message] = messages(1)
    drain_routes(first, second)
    attempt = message.deliveries.get(route="twilio")
    news = MessageReport(
        message.pk, "SM-first", DeliveryReport(ReceiptStatus.DELIVERED), claim_number=attempt.claim_number
    )
    assert record(news, channels=["sms"])
    assert now_of(message).receipt == "delivered"


def test_a_broken_route_is_left_and_messages_keep_their_order() -> None:
    """G4 and G10: one recipient's messages go out in order over two routes, of which one breaks."""
    first, second = Provider("twilio", answer=DOWN), Provider("vonage")
    asha: Recipient = RecipientFactory(phone="+14155550100")
    lane = [publish_one(asha) for _ in range(12)]
    crowd = messages(30)
    with running_routes(first, second):
        wait_until(lambda: not OutboxMessage.objects.exclude(status="sent").exists())
        wait_until(lambda: ChannelState.objects.filter(name="sms:twilio", broken_at__isnull=False).exists())
    assert [pk for pk in second.ids if pk in {each.pk for each in lane}] == [each.pk for each in lane]
    assert sum(OutboxMessage.objects.values_list("attempts", flat=True)) == len(lane) + len(crowd)
    assert not ChannelState.objects.filter(name="sms", broken_at__isnull=False).exists()


def test_both_routes_down_loses_nothing() -> None:
    first, second = Provider("twilio", answer=DOWN), Provider("vonage", answer=DOWN)
    crowd = messages(20)
    with running_routes(first, second):
        wait_until(lambda: ChannelState.objects.filter(name__contains=":", broken_at__isnull=False).count() == 2)
        first.answer = second.answer = Accepted("back")
        wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == len(crowd))


def test_countries_come_first_and_a_message_without_a_route_says_so() -> None:
    world, local = Provider("world"), Provider("local")
    of_routes = {"world": {"countries": frozenset({"US"})}, "local": {"countries": frozenset({"DE"})}}
    [american], [german] = messages(1), messages(1, country="+49151")
    [dane] = [publish_one(RecipientFactory(phone="+4520123456"))]
    drain_routes(world, local, **routes(world, local, **of_routes))
    assert (world.ids, local.ids) == ([american.pk], [german.pk])
    assert (now_of(dane).status, dane.error_code) == (Status.FAILED, "no_route")


def test_shares_are_honoured_within_two_percent() -> None:
    first, second = Provider("twilio"), Provider("vonage")
    messages(300)
    of_routes = {"twilio": {"share": 80.0}, "vonage": {"share": 20.0}}
    drain_routes(first, second, **routes(first, second, **of_routes))
    assert abs(len(first.sent) / 300 - 0.8) <= 0.02
