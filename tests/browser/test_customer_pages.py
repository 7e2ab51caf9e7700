"""The customer's pages in a real browser: by keyboard alone, on a phone's width, live, in light and in dark."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from bookings.models import Booking, Order, Payment
from bookings.tokens import give_token
from notifications import outbox
from tests.factories.bookings import SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.relay import RecordingChannel, drain
from tests.stage.waiting import wait_for_page

pytestmark = pytest.mark.django_db(transaction=True)
CHANNELS = ("sms", "whatsapp", "email")


@pytest.fixture
def page(browser: Any, live_server: Any, payment_gateway: GatewayProcess) -> Any:
    """A phone's page; the test fails on any error of a script, and on anything that does not load."""
    cache.clear()
    SlotFactory()
    outbox.change_contact(User.objects.create_user("ann", "ann@example.com", "a pass phrase"), phone="+14155550123")
    opened = browser.new_page(viewport={"width": 360, "height": 740}, base_url=live_server.url)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield opened
    opened.close()
    assert wrong == []


def sign_in(page: Any) -> None:
    page.goto("/login/")
    page.fill("#id_username", "ann")
    page.fill("#id_password", "a pass phrase")
    page.click("main button")


def order_and_pay(page: Any) -> None:
    page.click(".day .card a")
    page.click("text=Continue to payment")
    page.click("text=Pay €12.50")
    page.wait_for_url("**/bookings/*/")


def press_enter(page: Any) -> None:
    """Follow the link or send the form that has the focus, and wait for the next page."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_messages_arrive_while_the_page_is_looked_at(page: Any) -> None:
    sign_in(page)
    order_and_pay(page)
    states = page.locator("#messages tbody td:last-child")
    assert states.all_inner_texts() == ["waiting"] * 3
    drain(*map(RecordingChannel, CHANNELS))
    wait_for_page(page, "[...document.querySelectorAll('#messages .state')].every(e => e.innerText === 'sent')")
    assert "Confirmation by SMS: sent" in page.inner_text("#news"), "read aloud as well"
    page.click("summary")
    page.click(".danger")
    drain(*map(RecordingChannel, CHANNELS))
    wait_for_page(page, "document.querySelectorAll('#messages .sent').length === 6")


def test_everything_can_be_done_by_keyboard(page: Any) -> None:
    def go_to(words: str) -> None:
        focused = "document.activeElement.innerText || document.activeElement.name || ''"
        for _ in range(20):
            page.keyboard.press("Tab")
            if words in page.evaluate(focused):
                return
        pytest.fail(f"{words} cannot be reached")

    page.goto("/login/")
    go_to("Skip to the content")
    go_to("username")
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type("a pass phrase")
    press_enter(page)
    for words in ("Sunset kayak tour", "Continue to payment", "Pay"):
        go_to(words)
        press_enter(page)
    go_to("Cancel this booking")
    page.keyboard.press("Enter")  # opens what is folded away
    go_to("Cancel booking")
    press_enter(page)
    page.wait_for_selector("text=Your booking is cancelled.")
    assert Booking.objects.get().status == "cancelled"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone_and_every_field_has_a_name(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    sign_in(page)
    order_and_pay(page)
    order = Order.objects.get()
    for address in ("/", f"/slots/{order.slot_id}/", f"/orders/{order.pk}/", "/bookings/", page.url):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert page.locator("h1").count() == 1, address
        nameless = "[...document.querySelectorAll('input:not([type=hidden]), select')].filter(e => !e.labels.length)"
        assert page.evaluate(f"{nameless}.length") == 0, address


def test_a_double_click_pays_once(page: Any) -> None:
    sign_in(page)
    page.click(".day .card a")
    page.dblclick("text=Continue to payment")
    page.wait_for_url("**/orders/*/")
    page.dblclick("text=Pay €12.50")
    page.wait_for_url("**/bookings/*/")
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_customer_sees_and_ends_another_browser(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    other = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    other.post("/login/", {"username": "ann", "password": "a pass phrase"})
    give_token(User.objects.get())
    sign_in(page)
    page.goto("/accounts/security/")
    cards = page.locator("section[aria-labelledby=browsers-title] .card")
    assert "(this browser)" in cards.nth(0).inner_text()
    assert "Firefox on Windows" in cards.nth(1).inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways"
    cards.nth(1).locator("button").click()
    page.wait_for_selector("text=That browser is signed out.")
    assert cards.count() == 1
    assert other.get("/accounts/security/").status_code == 302
