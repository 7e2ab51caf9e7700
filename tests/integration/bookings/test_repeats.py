"""A customer has a message about a booking sent again: of their own booking alone, and not too often."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from bookings import announcements, booking_links, guests
from bookings.models import Booking
from notifications.models import OutboxMessage
from notifications.models.audit import OperatorAction
from notifications.verification import Proof
from tests.factories.bookings import CustomerFactory, booking_of
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_here() -> None:
    cache.clear()


def told(customer: User) -> Booking:
    """A booking whose confirmation went out."""
    booking = booking_of(customer)
    with transaction.atomic():
        announcements.booking_confirmed(booking)
    send()
    return booking


def send() -> None:
    inbox = RecordingChannel("email")
    inbox.address_field = "email"
    drain(RecordingChannel("sms"), RecordingChannel("whatsapp"), inbox)


def way(channel: str) -> dict[str, str]:
    message = OutboxMessage.objects.filter(channel=channel, status="sent").latest("pk")
    return {"way": f"{message.pk}:{channel}"}


@pytest.fixture
def customer() -> Any:
    return CustomerFactory()


@pytest.fixture
def browser(customer: User) -> Client:
    client = Client()
    client.force_login(customer)
    return client


def test_it_comes_again_as_a_new_message_on_record(browser: Client, customer: User) -> None:
    page = f"/bookings/{told(customer).pk}/"
    assert "Confirmation by Email" in browser.get(page).content.decode()
    answer = browser.post(f"{page}again/", way("email"), follow=True).content.decode()
    assert "It is on its way again." in answer
    assert OutboxMessage.objects.filter(channel="email").count() == 2
    assert OperatorAction.objects.filter(action="send_again", actor="the customer").count() == 1
    again = browser.post(f"{page}again/", way("email"), follow=True).content.decode()
    assert "It is being sent again already." in again
    send()
    for _ in range(4):
        last = browser.post(f"{page}again/", way("email"), follow=True).content.decode()
        send()
    assert "Please try again tomorrow." in last
    assert OutboxMessage.objects.filter(channel="email").count() == 4, "three times a day"


@pytest.mark.parametrize("odd", ["", ":", "x:email", "0:email", "9" * 40 + ":email", "1:pigeon", "-1:sms", "²:sms"])
def test_what_is_no_message_of_the_booking_is_refused(browser: Client, customer: User, odd: str) -> None:
    page = f"/bookings/{told(customer).pk}/"
    before = OutboxMessage.objects.count()
    answer = browser.post(f"{page}again/", {"way": odd}, follow=True).content.decode()
    assert "This message cannot be sent again." in answer
    assert OutboxMessage.objects.count() == before


def test_nobody_has_somebody_elses_message_sent(browser: Client, customer: User) -> None:
    own, others = booking_of(customer), told(CustomerFactory())
    assert browser.post(f"/bookings/{others.pk}/again/", way("email")).status_code == 404
    foreign = browser.post(f"/bookings/{own.pk}/again/", way("email"), follow=True).content.decode()
    assert "This message cannot be sent again." in foreign


def test_a_guest_has_it_sent_by_the_link() -> None:
    booking = told(guests.come_in([Proof("email", "gus@example.com")], guests.NewGuest("Gus")))
    link = f"/b/{booking_links.token_of(booking.pk)}/"
    page = Client().get(link).content.decode()
    assert "no number given" in page, "SMS and WhatsApp were left out"
    assert "by SMS" not in page
    assert "It is on its way again." in Client().post(f"{link}again/", way("email"), follow=True).content.decode()
