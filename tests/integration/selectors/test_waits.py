"""What a message waits for, in words; where it came from; and how its life reads afterwards."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from notifications import origin
from notifications.admin.references import link_of
from notifications.kinds import Kind
from notifications.lifecycle import Permanent, Status, Transient
from notifications.models import ChannelState, OutboxMessage, Recipient, Relay
from notifications.operations import pause_channel
from notifications.operations.replay import cancel, replay
from notifications.policy.masking import hint
from notifications.relay.messages import Settlement
from notifications.selectors import search
from notifications.selectors.database_clock import database_now
from notifications.selectors.outgoing import words_of
from notifications.selectors.timeline import timeline_of
from notifications.selectors.waits import waits_of
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.factories.notifications import RecipientFactory, publish_one, registered
from tests.stage.relay import HandRelay, RecordingChannel, drain

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
    retry = f"is retried at {at:%H:%M:%S} UTC after twilio_30008 (Unknown error)"
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


def test_a_life_is_told_in_order() -> None:
    with origin.coming_from("request 4f0c"):
        message = publish_one(RecipientFactory())
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "Invalid number")))
    replay([message.pk], actor="ana", reason="number corrected")
    cancel([message.pk], actor="bob", reason="called off")
    told = [(event.what, event.by, event.detail) for event in timeline_of(OutboxMessage.objects.get(pk=message.pk))]
    assert told[0] == ("Written", "request 4f0c", "")
    assert told[1][0] == "Attempt: refused"
    assert told[1][2] == "Invalid number"
    assert told[2:] == [
        ("Replayed (had failed with twilio_21211)", "ana", "number corrected"),
        ("Cancelled", "bob", "called off"),
    ]


def test_a_request_is_on_record_with_what_it_publishes(payment_gateway: Any) -> None:
    api = client_of(CustomerFactory())
    order = api.post("/api/orders/", {"slot": SlotFactory().pk, "quantity": 1}).json()
    claim = payment_gateway.pay(order["order_id"])
    assert api.post("/api/payments/verify/", claim, headers={"X-Request-ID": "abc-1"}).status_code == 201
    assert set(OutboxMessage.objects.values_list("origin", flat=True)) == {"request abc-1"}
    reference = OutboxMessage.objects.values_list("reference", flat=True)[0]
    assert link_of(reference).startswith("/admin/bookings/booking/")
    assert link_of("parcel:7") == link_of("booking:") == link_of("") == ""


@pytest.mark.parametrize(
    "term",
    [
        "+1 415 555 0123",
        "+1 415-555-0123",
        "+1 (415) 555-0123",
        "001 415 555 0123",
        "14155550123",
        "(415) 555-0123",
        "415-555-0123",
        "415.555.0123",
        "4155550123",
        "whatsapp:+14155550123",
        "tel:+1-415-555-0123",
        "\uff0b1 415\u2010555\u20100123",
        "\u00a0+14155550123\u00a0",
        "ANN@example.com",
        "Ann <ann@EXAMPLE.com>",
        "mailto:ann@example.com",
        "ann",
        "ANN",
        "Ann",
        "booking:12",
        "Booking:12",
        "booking 12",
        "Booking #12",
        "BOOKING-12",
        "booking: 12",
        "#12",
        "# 12",
        "SM0123",
        "id",
        "#id",
    ],
)
def test_a_message_is_found_by_what_support_has_in_hand(term: str, admin_client: Client) -> None:
    user = User.objects.create_user("ann", "ann@example.com")
    message = publish_one(RecipientFactory(user=user, phone="+14155550123", email=user.email), reference="booking:12")
    OutboxMessage.objects.filter(pk=message.pk).update(provider_id="SM0123")
    for _ in range(2):
        publish_one(RecipientFactory(phone="+14155550124"), reference="booking:13")
    term = term.replace("id", str(message.pk)) if term in ("id", "#id") else term
    found, _ = search.narrow(OutboxMessage.objects.all(), term)
    assert list(found) == [message]
    assert admin_client.get("/admin/notifications/outboxmessage/", {"q": term}).status_code == 200


def test_a_number_without_its_country_is_found_where_the_country_is_known(settings: Settings) -> None:
    german = publish_one(RecipientFactory(phone="+4930901820"))
    publish_one(RecipientFactory(phone="+14155550123"))
    found, _ = search.narrow(OutboxMessage.objects.all(), "030 / 90 18 20")
    assert list(found) == [german]
    settings.OUTBOX_ALLOWED_COUNTRIES = ["US"]
    found, _ = search.narrow(OutboxMessage.objects.all(), "030 / 90 18 20")
    assert list(found) == []


@pytest.mark.parametrize("term", ["+5215512345678", "+52 55 1234 5678", "55 1234 5678"])
def test_a_number_is_found_in_every_form_that_networks_give_it(term: str) -> None:
    message = publish_one(RecipientFactory(phone="+525512345678"))
    found, _ = search.narrow(OutboxMessage.objects.all(), term)
    assert list(found) == [message]


def test_a_message_s_own_id_comes_before_somebody_s_number_at_home() -> None:
    publish_one(RecipientFactory(phone="+4532123456"))
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.filter(pk=message.pk).update(id=32123456)
    found, _ = search.narrow(OutboxMessage.objects.all(), "32123456")
    assert [each.pk for each in found] == [32123456]


def test_a_recipient_is_found_alike() -> None:
    recipient = RecipientFactory(user=User.objects.create_user("customer1"), phone="+14155550123")
    for term in ("(415) 555-0123", "whatsapp:+14155550123", "CUSTOMER1", f"#{recipient.pk}"):
        assert search.recipients_called(term) == [recipient.pk], term


NONSENSE = [
    *("\x00", "a\x00b", "9" * 30, "9" * 5000, "#" + "9" * 30, "+" + "9" * 40),
    *("#", "# #", "booking #", "<@", "(", "+", "@", "%", "'", ":", "²"),
]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_finds_nothing_and_breaks_nothing(nonsense: str, admin_client: Client) -> None:
    publish_one(RecipientFactory(), reference="booking:12")
    for name in ("outboxmessage", "recipient", "operatoraction"):
        assert admin_client.get(f"/admin/notifications/{name}/", {"q": nonsense}).status_code == 200
    for word in ("kind", "channel", "error_code", "written", "before"):
        assert admin_client.get("/admin/notifications/outboxmessage/", {word: nonsense}).status_code == 200, word
    for word in ("kind", "user", "ids", "since", "q"):
        previewed = admin_client.get("/admin/notifications/outboxmessage/replay/", {word: nonsense})
        assert previewed.status_code in (200, 400), word
    assert admin_client.get("/admin/notifications/outboxmessage/cancel/", {"ids": nonsense}).status_code in (200, 400)


def test_days_are_turned_into_ids() -> None:
    recipient: Recipient = RecipientFactory()
    messages = [publish_one(recipient) for _ in range(10)]
    for age, message in enumerate(reversed(messages)):
        moment = database_now() - timedelta(days=age)
        OutboxMessage.objects.filter(pk=message.pk).update(created_at=moment)
    since = database_now() - timedelta(days=2, hours=12)
    assert search.first_id_since(since) == messages[-3].pk
    assert search.last_id_before(since) == messages[-3].pk
    assert search.first_id_since(database_now() + timedelta(days=1)) > messages[-1].pk
    OutboxMessage.objects.all().delete()
    assert search.first_id_since(since) == 0


def test_a_hint_tells_no_address() -> None:
    assert [hint(address) for address in ("+14155550123", "anna@example.com", "")] == [
        "+1415…23",
        "a…@example.com",
        "none",
    ]
