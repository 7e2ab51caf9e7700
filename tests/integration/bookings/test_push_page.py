"""Notifications in the customer's browsers: the page's section, signing up, taking off, and the worker's script."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from notifications import browsers, outbox
from notifications.models import PushSubscription
from tests.factories.bookings import CustomerFactory

pytestmark = pytest.mark.django_db
PAGE, SIGN_UP, TAKE_OFF = "/accounts/profile/", "/accounts/push/", "/accounts/push/off/"
TOLD = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/abc",
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


@pytest.fixture
def pushes(settings: Settings) -> None:
    settings.OUTBOX_CHANNELS = {**settings.OUTBOX_CHANNELS, "webpush": "notifications.channels.webpush.WebPushChannel"}
    settings.WEBPUSH_PUBLIC_KEY = "BP4z9KsN6nGR"


@pytest.fixture
def ann() -> Any:
    return CustomerFactory(first_name="Ann")


@pytest.fixture
def browser(ann: User) -> Client:
    client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0"})
    client.force_login(ann)
    return client


def test_without_keys_there_is_nothing_of_it(browser: Client) -> None:
    assert 'id="push"' not in browser.get(PAGE).content.decode()
    assert browser.get("/push-worker.js").status_code == 404


@pytest.mark.usefixtures("pushes")
def test_a_browser_signs_up_is_listed_and_is_taken_off(browser: Client, ann: User) -> None:
    page = browser.get(PAGE).content.decode()
    assert 'data-key="BP4z9KsN6nGR"' in page
    assert "allow JavaScript" in page
    assert browser.post(SIGN_UP, TOLD).status_code == 204
    page = browser.get(PAGE).content.decode()
    assert "Firefox on Linux" in page
    assert TOLD["endpoint"] not in page, "who knows it could have others' messages sent there"
    signed_up = PushSubscription.objects.get()
    assert (signed_up.recipient.user_id, signed_up.auth) == (ann.pk, TOLD["auth"])
    browser.post(TAKE_OFF, {"browser": str(signed_up.pk)})
    assert not PushSubscription.objects.exists()
    browser.post(SIGN_UP, TOLD)
    assert browser.post(TAKE_OFF, {"endpoint": TOLD["endpoint"]}).status_code == 204
    assert not PushSubscription.objects.exists()


@pytest.mark.usefixtures("pushes")
def test_others_cannot_take_it_off_and_strangers_sign_nothing_up(browser: Client, ann: User) -> None:
    browsers.subscribe(ann, **TOLD)
    other = Client()
    other.force_login(CustomerFactory())
    other.post(TAKE_OFF, {"browser": str(PushSubscription.objects.get().pk)})
    other.post(TAKE_OFF, {"endpoint": TOLD["endpoint"]})
    assert PushSubscription.objects.count() == 1
    assert Client().post(SIGN_UP, TOLD).headers["Location"].startswith("/accounts/login/")
    for wrong in ({"endpoint": "https://evil.example/"}, {"p256dh": "x"}, {"auth": ""}, {"endpoint": "\x00"}):
        assert browser.post(SIGN_UP, TOLD | wrong).status_code == 400
    assert browser.post(TAKE_OFF, {"browser": "x"}).status_code == 404
    assert Client(enforce_csrf_checks=True).post(SIGN_UP, TOLD).status_code == 403


@pytest.mark.usefixtures("pushes")
def test_the_worker_comes_from_the_top_of_our_own_origin(browser: Client) -> None:
    answer = browser.get("/push-worker.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "showNotification" in answer.content.decode()
    assert "worker-src 'self'" in browser.get(PAGE).headers["Content-Security-Policy"]


@pytest.mark.usefixtures("pushes")
def test_the_section_speaks_german_and_reminders_have_a_wish_of_their_own(browser: Client, ann: User) -> None:
    outbox.change_contact(ann, locale="de")
    page = browser.get(PAGE).content.decode()
    assert "Benachrichtigungen im Browser" in page
    assert "Erinnerungen per Benachrichtigung" in page
    assert "Nachrichten per Benachrichtigung" not in page, "browsers are signed up one by one"
