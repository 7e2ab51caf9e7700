"""The customer's pages without JavaScript: forms and links alone lead from a slot to a booking and out of it again."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from bookings.models import Booking, Order, Payment, Slot
from notifications import outbox
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_here() -> None:
    cache.clear()


@pytest.fixture
def browser() -> Client:
    """Signed in as a customer in Tokyo, and checked for CSRF tokens."""
    customer = CustomerFactory()
    outbox.change_contact(customer, time_zone="Asia/Tokyo")
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)
    return client


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def submit(client: Client, page: str, action: str = "", **fields: str) -> Any:
    """Send the page's form (the one with this action), with its hidden fields, and follow."""
    html = client.get(page).content.decode()
    forms = re.findall(r'<form method="post"([^>]*)>(.*?)</form>', html, re.DOTALL)
    (form,) = [body for head, body in forms if (f'action="{action}"' in head if action else "action" not in head)]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return client.post(action or page, hidden | fields, follow=True)


def test_from_slot_to_booking_and_out_of_it_again(browser: Client, payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory(starts_at="2040-07-01T18:00:00Z", ends_at="2040-07-01T20:00:00Z", currency="JPY", price=1250)
    home = browser.get("/")
    assert f'href="/slots/{slot.pk}/"' in home.content.decode()
    assert "July 2040" in text_of(home)
    assert f"Sun, Jul 1 1 6:00 PM {slot.title} ¥1,250 10 seats left" in text_of(home), "by the venue's clock"
    assert "Times are those of the place." in text_of(home)
    assert "6:00 PM UTC (Mon, Jul 2, 2040, 3:00 AM JST)" in text_of(browser.get(f"/slots/{slot.pk}/"))

    ordered = submit(browser, f"/slots/{slot.pk}/", quantity="2")
    order = Order.objects.get()
    assert ordered.redirect_chain == [(f"/orders/{order.pk}/", 302)]
    assert "Pay ¥2,500" in text_of(ordered)

    paid = submit(browser, f"/orders/{order.pk}/", f"/orders/{order.pk}/pay/")
    booking = Booking.objects.get()
    assert paid.redirect_chain == [(f"/bookings/{booking.pk}/", 302)]
    assert "Paid and booked." in text_of(paid)
    assert "Confirmation SMS waiting" in text_of(paid)
    assert browser.get(f"/orders/{order.pk}/").headers["Location"] == f"/bookings/{booking.pk}/"
    assert f"Booking {booking.pk}, 2 seats confirmed" in text_of(browser.get("/bookings/"))

    assert "We will refund ¥2,500." in text_of(browser.get(f"/bookings/{booking.pk}/"))
    cancelled = text_of(submit(browser, f"/bookings/{booking.pk}/", f"/bookings/{booking.pk}/cancel/"))
    assert "Status cancelled Refund ¥2,500, on its way" in cancelled
    assert "Cancel this booking" not in cancelled


def test_a_form_that_is_sent_twice_is_one_order(browser: Client, payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory()
    page = browser.get(f"/slots/{slot.pk}/").content.decode()
    fields = dict(re.findall(r'name="(key|csrfmiddlewaretoken)" value="([^"]*)"', page)) | {"quantity": "1"}
    first, again = (browser.post(f"/slots/{slot.pk}/", fields).headers["Location"] for _ in range(2))
    assert first == again
    assert Order.objects.count() == 1


def test_paying_a_booked_order_again_pays_nothing(browser: Client, payment_gateway: GatewayProcess) -> None:
    submit(browser, f"/slots/{SlotFactory().pk}/", quantity="1")
    order = Order.objects.get()
    fields = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    answers = [browser.post(f"/orders/{order.pk}/pay/", fields, follow=True) for _ in range(2)]
    assert [answer.redirect_chain[-1][0] for answer in answers] == [f"/bookings/{order.booking.pk}/"] * 2
    assert Payment.objects.count() == 1


def test_a_refusal_is_said_on_the_page(browser: Client, payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory(capacity=2)
    Slot.objects.update(seats_taken=1)
    assert "The slot has only 1 seat left." in text_of(submit(browser, f"/slots/{slot.pk}/", quantity="2"))
    assert "Choose how many seats." in text_of(submit(browser, f"/slots/{slot.pk}/", quantity="3"))
    payment_gateway.is_in_the_mood(down=True)
    assert "is not answering" in text_of(submit(browser, f"/slots/{slot.pk}/", quantity="1"))
    assert not Order.objects.exists()


def test_slots_that_cannot_be_booked_say_so(browser: Client) -> None:
    full = SlotFactory(capacity=1, seats_taken=1)
    over = SlotFactory(starts_at=timezone.now() - timedelta(minutes=1))
    gone = SlotFactory(cancelled_at=timezone.now())
    for slot in (full, over):
        assert "can no longer be booked" in text_of(browser.get(f"/slots/{slot.pk}/"))
    assert browser.get(f"/slots/{gone.pk}/").status_code == 404
    home = browser.get("/").content.decode()
    assert [f'href="/slots/{slot.pk}/"' in home for slot in (full, over, gone)] == [True, False, False]


def test_an_order_that_lapsed_leads_back_to_its_slot(browser: Client, payment_gateway: GatewayProcess) -> None:
    submit(browser, f"/slots/{SlotFactory().pk}/", quantity="1")
    Order.objects.update(status="lapsed")
    order = Order.objects.get()
    assert "was not paid in time" in text_of(browser.get(f"/orders/{order.pk}/"))


def test_signing_in_leads_to_where_one_wanted_to_go() -> None:
    User.objects.create_user("ann", password="a long pass phrase")
    client, slot = Client(enforce_csrf_checks=True), SlotFactory()
    assert f"/accounts/login/?next=/slots/{slot.pk}/" in client.get(f"/slots/{slot.pk}/").content.decode()
    page = f"/accounts/login/?next=/slots/{slot.pk}/"
    assert "Wrong name or password" in text_of(submit(client, page, username="ann", password="wrong"))
    signed_in = submit(client, page, username="ann", password="a long pass phrase")
    assert signed_in.redirect_chain == [(f"/slots/{slot.pk}/", 302)]
    assert client.get("/bookings/").status_code == 200
    submit(client, "/bookings/", "/logout/")
    assert client.get("/bookings/").headers["Location"] == "/accounts/login/?next=/bookings/"


def test_a_link_to_where_a_form_is_sent_leads_to_its_page(browser: Client) -> None:
    """As after a session that ended in between: the sign-in leads back to what was asked for."""
    for form, page in {
        "/bookings/7/cancel/": "/bookings/7/",
        "/bookings/7/again/": "/bookings/7/",
        "/orders/7/pay/": "/orders/7/",
        "/orders/7/paid/": "/orders/7/",
        "/accounts/security/browsers/7/end/": "/accounts/security/",
        "/accounts/security/tokens/7/end/": "/accounts/security/",
        "/language/": "/",
        "/logout/": "/",
    }.items():
        assert browser.get(form).headers["Location"] == page
    assert browser.get("/bookings/").status_code == 200, "still signed in"


def test_text_that_looks_like_markup_is_text(browser: Client) -> None:
    SlotFactory(title="<script>alert(1)</script>")
    assert b"<script>alert" not in browser.get("/").content
