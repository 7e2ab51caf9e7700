"""The customer's own details on their page: each form changes what is its own, and says what is wrong."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications import outbox
from notifications.models import OutboxMessage
from notifications.recipients import inbound
from tests.factories.bookings import CustomerFactory, client_of

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, PHONE = "/accounts/profile/", "+14155550199"


@pytest.fixture
def ann() -> Any:
    return CustomerFactory(first_name="Ann", phone=PHONE)


@pytest.fixture
def browser(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def test_name_language_and_time_zone_are_changed(browser: Client, ann: User) -> None:
    form = {"about": "1", "name": "Anna", "locale": "de", "time_zone": "Europe/Berlin"}
    assert "Saved." in browser.post(PAGE, form, follow=True).content.decode()
    ann.refresh_from_db()
    contact = outbox.contact_of(ann)
    assert (ann.first_name, contact.locale, contact.time_zone) == ("Anna", "de", "Europe/Berlin")
    assert (contact.phone, contact.email) == (PHONE, ann.email), "that is another form"
    assert not OutboxMessage.objects.exists()


def test_a_form_without_anything_in_it_takes_no_address_away(browser: Client, ann: User) -> None:
    assert browser.post(PAGE).status_code == 200
    assert outbox.contact_of(ann).phone == PHONE


@pytest.mark.parametrize(("field", "value"), [("locale", "klingon"), ("time_zone", "Mars/Base"), ("name", "x" * 151)])
def test_what_cannot_be_is_refused(browser: Client, ann: User, field: str, value: str) -> None:
    form = {"about": "1", "name": "Anna", "locale": "de", "time_zone": "Europe/Berlin"} | {field: value}
    answer = browser.post(PAGE, form)
    assert 'role="alert"' in answer.content.decode()
    assert outbox.contact_of(ann).locale == "en"


def test_what_is_set_already_can_be_kept(browser: Client, ann: User) -> None:
    outbox.change_contact(ann, locale="pt-br", time_zone="US/Eastern")
    form = {"about": "1", "name": "Anna", "locale": "pt-br", "time_zone": "US/Eastern"}
    assert browser.post(PAGE, form).status_code == 302
    assert outbox.contact_of(ann).time_zone == "US/Eastern"


def test_wishes_are_changed_one_by_one(browser: Client, ann: User) -> None:
    everything = dict.fromkeys(
        ("sms", "sms:reminder", "whatsapp", "whatsapp:reminder", "email", "email:reminder"), "on"
    )
    wanted = {"wishes": "1"} | {wish: "on" for wish in everything if wish not in ("whatsapp", "email:reminder")}
    browser.post(PAGE, wanted)
    contact = outbox.contact_of(ann)
    assert (contact.sms_enabled, contact.whatsapp_enabled, contact.email_enabled) == (True, False, True)
    assert contact.opt_ins["email"] == {"transactional": True, "reminder": False}
    browser.post(PAGE, {"wishes": "1"} | everything)
    assert outbox.contact_of(ann).opt_ins["email"]["reminder"]


def test_a_stop_is_not_lifted_by_a_box(browser: Client, ann: User) -> None:
    inbound.receive(phone=PHONE, channel="sms", text="STOP")
    answer = browser.post(PAGE, {"wishes": "1", "sms": "on", "email": "on", "whatsapp": "on"})
    assert "Reply START" in answer.content.decode()
    assert not outbox.contact_of(ann).sms_enabled


def test_the_name_is_changed_by_the_api_with_the_rest_or_not_at_all(ann: User) -> None:
    api = client_of(ann)
    assert api.patch("/api/me/", {"name": "Anna", "locale": "de"}).json()["name"] == "Anna"
    assert api.patch("/api/me/", {"name": "Zoe", "time_zone": "Mars/Base"}).status_code == 400
    ann.refresh_from_db()
    assert ann.first_name == "Anna"
