"""G6: a duplicate is possible only where the outcome of a send is unknown. Such attempts are marked, and where a
provider can be asked, it is asked before anything is sent again.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from notifications import outbox
from notifications.channels.base import Channel, DeliveryReport, Outgoing
from notifications.channels.deadline import Deadline
from notifications.channels.twilio import SmsChannel
from notifications.lifecycle import Accepted, Outcome, ReceiptStatus, Status, Transient, Unknown
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient
from notifications.receipts.record import MessageReport, record
from notifications.relay.enrich import enrich
from notifications.relay.messages import NOT_READ
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+14155550123"


@pytest.fixture
def asha() -> Recipient:
    recipient: Recipient = RecipientFactory(phone=PHONE)
    return recipient


@pytest.fixture
def sms(providers: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmsChannel]:
    """The real client, towards the sandbox."""
    monkeypatch.setenv("NO_PROXY", "*")
    channel = SmsChannel.from_settings(
        "sms",
        SimpleNamespace(
            TWILIO_ACCOUNT_SID=providers.account_sid,
            TWILIO_AUTH_TOKEN=providers.auth_token,
            TWILIO_API_URL=providers.http_url,
            TWILIO_SMS_FROM="+14155550000",
        ),
    )
    channel._message_log._pause = lambda seconds: None
    yield channel
    channel.close()


class Asked(RecordingChannel):
    """A provider that loses its first answers, and can be asked."""

    def __init__(self, answer: Any = None, *, found: Accepted | Transient | None = None) -> None:
        outcomes = iter([Unknown("timeout")])
        super().__init__(answer=answer or (lambda outgoing: next(outcomes, Accepted("second"))))
        self.found = found
        self.questions: list[tuple[float, float, Collection[str]]] = []
        self.asked_about: list[str] = []

    def find(
        self, outgoing: Outgoing, *, began_ago: float, unknown_for: float, known: Collection[str], deadline: Deadline
    ) -> Any:
        self.questions.append((began_ago, unknown_for, known))
        self.asked_about.append(outgoing.address)
        return self.found


def history(message: OutboxMessage) -> list[tuple[str, str]]:
    return list(message.deliveries.order_by("claim_number").values_list("answer", "code"))


def now_of(message: OutboxMessage) -> OutboxMessage:
    message.refresh_from_db()
    return message


@pytest.mark.parametrize("lost", [{"reset": True}, {"delay": 30}, {"status": 500}], ids=["reset", "timeout", "500"])
def test_what_twilio_has_is_adopted_and_not_sent_again(
    asha: Recipient, sms: SmsChannel, providers: SandboxClient, lost: dict[str, Any]
) -> None:
    message = publish_one(asha)
    providers.add_rule(accept=True, times=1, **lost)
    drain(sms, send_timeout=1.0)

    [received] = providers.messages()
    assert (now_of(message).status, message.provider_id, message.error_code) == ("sent", received.sid, "")
    assert [answer for answer, _ in history(message)] == ["unknown", "accepted"]
    assert history(message)[-1] == ("accepted", "adopted")


@pytest.mark.parametrize("found", [Accepted("first"), None])
def test_an_earlier_attempt_is_asked_for_where_it_went(asha: Recipient, found: Accepted | None) -> None:
    """The recipient's number changes while the answer is lost. What is sent after that goes to the new one."""
    message, younger = publish_one(asha), publish_one(asha)

    def answer(outgoing: Outgoing) -> Outcome:
        if len(channel.sent) > 1:
            return Accepted("second")
        outbox.change_contact(asha, phone="+14155550199")
        connection.close()  # this thread's
        return Unknown("timeout")

    channel = Asked(answer, found=found)
    drain(channel)

    assert channel.asked_about == [PHONE]
    went_to = [PHONE, PHONE if found else "+14155550199"]
    assert list(message.deliveries.order_by("claim_number").values_list("address", flat=True)) == went_to
    assert list(younger.deliveries.values_list("address", flat=True)) == ["+14155550199"]


def test_what_twilio_does_not_have_is_sent_again_and_marked(
    asha: Recipient, sms: SmsChannel, providers: SandboxClient
) -> None:
    message = publish_one(asha)
    providers.add_rule(accept=False, reset=True, times=1)
    drain(sms)

    assert [received.accepted for received in providers.messages()] == [False, True]
    assert now_of(message).status == "sent"
    assert history(message) == [("unknown", "connection_reset"), ("accepted", "sent_again")]


def test_a_rescued_message_is_asked_for(hand_relay: Callable[..., HandRelay], asha: Recipient) -> None:
    message = publish_one(asha)
    dead = hand_relay()
    dead.claim()
    dead.let_lease_run_out()
    dead.connection.execute("SELECT pg_advisory_unlock_all()")
    survivor = hand_relay()
    survivor.declare_dead(dead)
    survivor.rescue(dead.lease.relay_id)

    channel = Asked(lambda outgoing: Accepted("again"), found=Accepted("first"))
    drain(channel)
    assert len(channel.sent) == 0, "nothing was sent again"
    assert now_of(message).provider_id == "first"
    assert history(message) == [("unknown", "relay_lost"), ("accepted", "adopted")]


def test_it_is_asked_since_the_first_attempt_in_doubt(asha: Recipient) -> None:
    outcomes = iter([Unknown("timeout"), Unknown("http_500"), Accepted("third")])
    channel = Asked(lambda outgoing: next(outcomes))
    message = publish_one(asha)
    before = timezone.now()
    drain(channel)

    first = message.deliveries.get(claim_number=1)
    (began, unknown, _), (began_later, unknown_later, _) = channel.questions
    assert began >= unknown >= 0, "by the time of its first send, and by the end of that"
    assert began_later > began, "the first attempt stays the first"
    assert unknown_later < began_later - began, "the second attempt's outcome is the last that is unknown"
    assert abs(now_of(message).unknown_since - first.started_at) < timedelta(milliseconds=50)
    assert message.unknown_since > before - timedelta(seconds=1)


def test_what_was_surely_not_accepted_is_not_asked_for(asha: Recipient) -> None:
    outcomes = iter([Transient("connection_refused"), Accepted("second")])
    channel = Asked(lambda outgoing: next(outcomes))
    message = publish_one(asha)
    drain(channel)
    assert channel.questions == []
    assert history(message) == [("transient", "connection_refused"), ("accepted", "")]


def test_no_answer_to_the_question_means_that_nothing_is_sent(asha: Recipient) -> None:
    channel = Asked(found=Transient("asking_timeout"))
    message = publish_one(asha)
    drain(channel)
    assert len(channel.sent) == 1
    assert now_of(message).status == "failed"
    assert history(message)[1:] == [("transient", "asking_timeout")] * 2


def test_the_question_can_be_switched_off(asha: Recipient) -> None:
    channel = Asked(found=Accepted("first"))
    message = publish_one(asha)
    drain(channel, ask_before_resend=False)
    assert channel.questions == []
    assert history(message) == [("unknown", "timeout"), ("accepted", "sent_again")]


def test_two_messages_that_say_the_same_are_two(asha: Recipient, sms: SmsChannel, providers: SandboxClient) -> None:
    """The first went out; the second was lost on its way, and must not pass for the first."""
    first, second = publish_one(asha), publish_one(asha)
    providers.add_rule(times=1, delay=0.01)
    providers.add_rule(accept=False, reset=True, times=1)
    drain(sms)

    accepted = [received.sid for received in providers.messages() if received.accepted]
    assert [now_of(first).provider_id, now_of(second).provider_id] == accepted
    assert len(set(accepted)) == 2


def test_people_who_share_a_number_do_not_adopt_each_others(
    asha: Recipient, sms: SmsChannel, providers: SandboxClient
) -> None:
    """One accepted, both in doubt, both saying the same: words prove nothing, so both are received for sure."""
    other = RecipientFactory(phone=PHONE)
    messages = [publish_one(asha), publish_one(other)]
    in_doubt = {"unknown_since": timezone.now(), "error_code": "timeout"}
    OutboxMessage.objects.update(**in_doubt)
    sms.send(Outgoing(1, 1, "test.greeting", PHONE, {"text": "Hello Ann"}), Deadline.after(10))
    drain(sms, concurrency=2)
    assert {now_of(message).status for message in messages} == {"sent"}
    assert len([received for received in providers.messages() if received.accepted]) >= 2


def test_two_forms_of_a_number_are_one_number(hand_relay: Callable[..., HandRelay]) -> None:
    """A provider may know both by one of them, and then its list shows the one's messages among the other's."""
    todays, before = RecipientFactory(phone="+525512345678"), RecipientFactory(phone="+5215512345678")
    publish_one(todays)
    drain(RecordingChannel())
    messages = [publish_one(recipient) for recipient in (todays, before)]
    OutboxMessage.objects.filter(status="pending").update(unknown_since=timezone.now(), error_code="timeout")
    relay = hand_relay()
    claimed = enrich(relay.connection, relay.claim(), channels={"sms": Asked()}, asks=True)
    known = frozenset(DeliveryAttempt.objects.values_list("provider_id", flat=True))
    assert {each.id for each in claimed} == {message.pk for message in messages}
    for each in claimed:
        assert each.earlier is not None
        assert (each.earlier.known, each.earlier.is_shared) == (known, True)


def test_a_callback_that_came_meanwhile_proves_the_acceptance(asha: Recipient) -> None:
    message = publish_one(asha)

    def lose(outgoing: Outgoing) -> Outcome:
        told = MessageReport(
            outgoing.message_id, "SM-told", DeliveryReport(ReceiptStatus.SENT), claim_number=outgoing.claim_number
        )
        _on_a_connection_of_its_own(lambda: record(told, channels=["sms"]))
        return Unknown("timeout")

    channel = Asked(lose)
    drain(channel)
    assert len(channel.sent) == 1
    assert channel.questions == [], "it needs no asking"
    assert (now_of(message).status, message.provider_id) == ("sent", "SM-told")
    assert history(message)[-1] == ("accepted", "adopted")
    sent, adopted = message.deliveries.order_by("claim_number")
    assert sent.ended_at <= adopted.started_at <= adopted.ended_at, "it is told of when it was found"


def test_a_copy_that_was_given_up_proves_nothing(asha: Recipient) -> None:
    message = publish_one(asha)

    def lose_once(outgoing: Outgoing) -> Outcome:
        if outgoing.claim_number > 1:
            return Accepted("second")
        told = MessageReport(
            outgoing.message_id, "first", DeliveryReport(ReceiptStatus.UNDELIVERED, "twilio_30003"), claim_number=1
        )
        _on_a_connection_of_its_own(lambda: record(told, channels=["sms"]))
        return Unknown("timeout")

    drain(Asked(lose_once))
    assert (now_of(message).status, message.provider_id) == ("sent", "second")


def test_a_dead_letter_that_turns_out_accepted_is_replayed_and_found_sent(asha: Recipient) -> None:
    message = publish_one(asha)
    drain(Asked(lambda outgoing: Unknown("timeout")))
    assert now_of(message).status == "failed"

    record(
        MessageReport(message.pk, "SM-late", DeliveryReport(ReceiptStatus.DELIVERED), claim_number=1), channels=["sms"]
    )
    channel = Asked()
    drain(channel)
    assert len(channel.sent) == 0
    assert (now_of(message).status, message.provider_id) == ("sent", "SM-late")


def test_a_message_waits_where_its_doubt_cannot_be_read(hand_relay: Callable[..., HandRelay], asha: Recipient) -> None:
    """The database went away between the claim and the look: nothing is sent on a guess."""
    publish_one(asha)
    OutboxMessage.objects.update(unknown_since=timezone.now())
    relay = hand_relay()
    claimed = relay.claim()
    channels: dict[str, Channel] = {"sms": Asked()}
    with psycopg.connect(relay.connection.info.dsn, password=relay.connection.info.password) as gone:
        gone.close()
        (message,) = enrich(gone, claimed, channels=channels, asks=True)
    assert message.earlier is NOT_READ


def test_only_messages_in_doubt_cost_another_statement(hand_relay: Callable[..., HandRelay], asha: Recipient) -> None:
    publish(asha)
    relay = hand_relay()
    claimed = relay.claim()
    relay.connection.close()
    assert enrich(relay.connection, claimed, channels={"sms": Asked()}, asks=True) == claimed
    assert DeliveryAttempt.objects.count() == 0
    assert claimed[0].unknown_since is None
    assert Status(OutboxMessage.objects.get().status) is Status.SENDING


def _on_a_connection_of_its_own(act: Callable[[], object]) -> None:
    """As the web does, in another process."""

    def run() -> None:
        act()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
