"""Messages are found by what support has in hand; nonsense finds nothing and breaks nothing."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from notifications.models import OutboxMessage, Recipient
from notifications.selectors import search
from notifications.selectors.database_clock import database_now
from tests.factories.notifications import RecipientFactory, publish_one

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize("written", ["{}", "#{}", "# {}"])
def test_a_bare_number_may_mean_the_message_or_what_it_is_about(written: str) -> None:
    message = publish_one(RecipientFactory())
    about = publish_one(RecipientFactory(), reference=f"booking:{message.pk}")
    publish_one(RecipientFactory(), reference=f"booking:{message.pk}0")
    found, _ = search.narrow(OutboxMessage.objects.all(), written.format(message.pk))
    assert set(found) == {message, about}


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
        answer = admin_client.get("/admin/notifications/outboxmessage/", {word: nonsense})
        assert answer.status_code in (200, 400), word
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


@pytest.mark.parametrize("letters", ["ann", "ANN", "anna.l", "Anna Lo", "anna lo", "Anna Long"])
def test_the_first_letters_are_enough(letters: str, settings: Settings) -> None:
    settings.OUTBOX_NAME_FIELDS = ("first_name",)
    user = User.objects.create_user("c-17", first_name="Anna Long")
    message = publish_one(RecipientFactory(user=user, email="anna.long@example.com"))
    publish_one(RecipientFactory(user=User.objects.create_user("berta"), email="b@example.com"))
    found, window = search.narrow(OutboxMessage.objects.all(), letters)
    assert (list(found), window) == ([message], None)
    assert search.recipients_called(letters) == [message.recipient_id]


def test_what_a_pattern_means_is_taken_by_the_letter() -> None:
    publish_one(RecipientFactory(email="anna@example.com"))
    for term in ("a%a", "___", "%%%", "an\\a"):
        assert list(search.narrow(OutboxMessage.objects.all(), term)[0]) == []


def test_several_meanings_are_offered_side_by_side(admin_client: Client, settings: Settings) -> None:
    settings.OUTBOX_REFERENCE_LINKS = {"booking": "x", "order": "y"}
    message = publish_one(RecipientFactory())
    for what in ("booking", "order", "ticket"):
        publish_one(RecipientFactory(), reference=f"{what}:{message.pk}")
    for term in (str(message.pk), f"#{message.pk}"):
        found = search.meanings(term)
        assert [each.message for each in found[:1]] == [message.pk]
        assert [each.reference for each in found[1:]] == [f"booking:{message.pk}", f"order:{message.pk}"]
        page = admin_client.get("/admin/notifications/outboxmessage/", {"q": term}).content.decode()
        for offered in (f">message {message.pk}</a>", f">booking:{message.pk}</a>", f">order:{message.pk}</a>"):
            assert offered in page
    anna = publish_one(RecipientFactory(user=User.objects.create_user("anna")))
    anne = publish_one(RecipientFactory(user=User.objects.create_user("anne")))
    assert [each.recipient for each in search.meanings("ann")] == [anna.recipient, anne.recipient]
