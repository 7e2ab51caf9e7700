"""What is stored of a recipient is checked where it is stored, at every door; what was stored before does no harm."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils.translation import trans_real

from notifications import outbox
from notifications.content import localization
from notifications.kinds import Kind
from notifications.models import OutboxMessage, Recipient
from tests.factories.bookings import CustomerFactory, client_of
from tests.factories.notifications import RecipientFactory, publish_one, registered
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = [
    *(("time_zone", zone) for zone in ("US/Berlin", "GMT+1", "CEST", "")),
    *(("locale", tag) for tag in ("english", "de.anything", "de-anything", "")),
    *(("phone", phone) for phone in ("4155550123", "+1", "+1415555", "phone")),
    *(("email", email) for email in ("ann", "ann@", "ann@example", "a" * 250 + "@example.com", "a b@example.com")),
    *(("email", email) for email in ("ann@example.com\u202e", "ann@☃.net", "ann@٣.example")),  # no host has these names
]
NORMALISED = [
    ("locale", "de_AT", "de-at"),
    ("locale", "pt-BR", "pt-br"),
    ("time_zone", "europe/berlin", "Europe/Berlin"),
    ("phone", "+1 (415) 555-0123", "+14155550123"),
    ("phone", "+52 1 55 1234 5678", "+525512345678"),
    ("email", " ann@example.com ", "ann@example.com"),
]


@pytest.mark.parametrize(("word", "value"), REFUSED)
def test_the_outbox_and_the_profile_refuse_what_cannot_be_used(word: str, value: str) -> None:
    user = CustomerFactory()
    with pytest.raises(outbox.InvalidContact) as raised:
        outbox.change_contact(user, **{word: value})
    assert list(raised.value.errors) == [word]
    assert client_of(user).patch("/api/me/", {word: value}).status_code == 400


@pytest.mark.parametrize(("word", "value", "stored"), NORMALISED)
def test_the_profile_stores_one_form(word: str, value: str, stored: str) -> None:
    user = CustomerFactory()
    answer = client_of(user).patch("/api/me/", {word: value})
    shown = answer.json() | answer.json()["unconfirmed"]  # a new address waits for its code
    assert (answer.status_code, shown[word]) == (200, stored)


def saved(client: Client, recipient: Recipient | None = None, **changes: str) -> list[str]:
    """Save staff's form; what it complains of."""
    page = f"/admin/notifications/recipient/{recipient.pk if recipient else 'add'}/{'change/' if recipient else ''}"
    form = client.get(page).context["adminform"].form
    shown = {name: field.initial or "" for name, field in form.fields.items()}
    shown |= {name: value for name, value in form.initial.items() if value is not None}
    data: dict[str, Any] = {name: shown.get(name, "") for name in ("user", "phone", "email", "locale", "time_zone")}
    data |= {f"initial-{name}": value for name, value in data.items()}
    inline = {"consents-TOTAL_FORMS": "0", "consents-INITIAL_FORMS": "0"}
    answer = client.post(page, data | changes | inline | {"reason": "asked for by phone"})
    return sorted(answer.context["adminform"].form.errors) if answer.context else []


@pytest.mark.parametrize(("word", "value"), [pair for pair in REFUSED if pair[1]])
def test_staff_s_form_refuses_it_too(admin_client: Client, word: str, value: str) -> None:
    assert saved(admin_client, **{word: value}) == [word]
    assert not Recipient.objects.exists()


@pytest.mark.parametrize(("word", "value", "stored"), NORMALISED)
def test_staff_s_form_stores_the_same(admin_client: Client, word: str, value: str, stored: str) -> None:
    assert saved(admin_client, **{word: value}) == []
    assert getattr(Recipient.objects.get(), word) == stored


def test_an_old_value_that_nobody_touched_does_not_keep_staff_from_the_rest(admin_client: Client) -> None:
    recipient = RecipientFactory(locale="english", time_zone="US/Berlin")
    assert saved(admin_client, recipient, locale="de") == []
    recipient.refresh_from_db()
    assert (recipient.locale, recipient.time_zone) == ("de", "US/Berlin")


@pytest.mark.parametrize(
    "email", ["a" * 288 + "@example.com", "anna-at-home", "anna@", "ann@a.example, bob@b.example", "ann@\ud800.de"]
)
def test_an_address_that_cannot_be_used_costs_nobody_the_sms(email: str, caplog: pytest.LogCaptureFixture) -> None:
    user = User(username="ann", email=email)
    user.pk = User.objects.create_user("ann").pk  # a user model of somebody's own may hold a longer one
    kind = Kind("test.greeting", channels=("sms", "email"))
    with caplog.at_level(logging.WARNING), registered(kind), transaction.atomic():
        outbox.publish(kind.name, recipient=user, context={"name": "Ann"})
        outbox.change_contact(user, phone="+14155550123")
    channel = RecordingChannel()
    drain(channel)
    assert [each.address for each in channel.sent] == ["+14155550123"]
    assert Recipient.objects.get().email == ""
    assert f"The email address of user {user.pk} cannot be used" in caplog.text
    assert email not in caplog.text


@pytest.mark.parametrize("email", ["ann@\ud800.de", "ann\x00@example.com"])
def test_an_address_that_postgresql_cannot_hold_is_refused(email: str) -> None:
    kind = Kind("test.greeting", channels=("email",))
    with registered(kind), transaction.atomic(), pytest.raises(outbox.InvalidContact):
        outbox.publish(kind.name, to=outbox.Address(email=email), context={"name": "Ann"})


def test_what_was_stored_earlier_is_sent_in_the_default_s_words() -> None:
    message = publish_one(RecipientFactory(locale="de.anything", time_zone="US/Berlin"))
    channel = RecordingChannel()
    drain(channel)
    message.refresh_from_db()
    assert (message.status, len(channel.sent)) == ("sent", 1)


def test_quiet_hours_in_a_zone_that_is_gone_are_the_default_s(settings: Any) -> None:
    settings.OUTBOX_QUIET_HOURS = "0-23:59"
    recipient = RecipientFactory(time_zone="US/Berlin")
    publish_one(recipient, kind=Kind("test.greeting", channels=("sms",), may_wait=True))
    assert OutboxMessage.objects.get().status in ("queued", "pending")


def test_a_customer_s_pages_open_in_a_zone_that_is_gone() -> None:
    user = CustomerFactory()
    outbox.contact_of(user)
    Recipient.objects.filter(user=user).update(time_zone="US/Berlin", locale="english")
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    contact = outbox.contact_of(user)
    assert (contact.time_zone, contact.locale) == ("UTC", "en")


def test_languages_that_nobody_has_cost_no_memory() -> None:
    with localization.localized("en", "UTC"):  # undone at the end
        before = len(trans_real._translations)
        for number in range(100):
            localization.activate(f"de.{number}", "UTC")
            localization.activate(f"en-{number:03}", "UTC")
        assert len(trans_real._translations) - before <= 1
