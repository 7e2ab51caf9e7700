"""A stranger becomes a customer in a real browser, or books as a guest: at a desk and on a phone."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from icalendar import Calendar

from bookings import refunds
from bookings.models import Booking
from notifications.models import OutboxMessage
from tests.browser.axe import COLORS, faults, paint, serious
from tests.factories.bookings import SlotFactory
from tests.factories.codes import sent_to
from tests.stage.gateway import GatewayProcess
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
MAIL, PHONE, NEW_PHONE = "ann@example.com", "+14155550198", "+14155550199"
PASSWORD, NEW = "a long pass phrase", "another pass phrase"


class Visit:
    """One browser, and the inbox and phone of who sits before it."""

    def __init__(self, page: Any, size: str) -> None:
        self.page, self._size = page, size
        self._inbox = [RecordingChannel(name) for name in ("sms", "whatsapp", "email")]
        self._inbox[-1].address_field = "email"
        self._inbox[-1].templates = {"text": "email.txt"}

    def look(self, name: str) -> None:
        """Nothing is serious for axe, in light and in dark, and nothing is wider than the screen.

        Axe takes most of a walk's time. It looks on the phone, where more can be in the way.
        """
        for scheme, rules in (("light", ()), ("dark", COLORS)):
            paint(self.page, scheme)
            if self._size == "phone":
                assert serious(faults(self.page, rules=rules)) == [], (name, scheme)
            if folder := os.environ.get("SCREENSHOTS"):
                self.page.screenshot(path=Path(folder) / f"{name}-{self._size}-{scheme}.png", full_page=True)
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert self.page.locator("h1").count() == 1, name

    def read_code(self, by: str) -> str:
        """The code in the message that was written last, as it arrived."""
        drain(*self._inbox)
        (channel,) = [channel for channel in self._inbox if channel.name == by]
        text = max(channel.sent, key=lambda outgoing: outgoing.message_id).parts["text"]
        (code,) = [word for word in text.replace(".", " ").split() if word.isdigit() and len(word) == 6]
        return code

    def read_link(self) -> str:
        """The path of the link to the booking, in the email that was written last."""
        drain(*self._inbox)
        text = max(self._inbox[-1].sent, key=lambda outgoing: outgoing.message_id).parts["text"]
        (link,) = re.findall(r"http://localhost:8000(/b/\S*)", text)
        return str(link)

    def fill(self, **fields: str) -> None:
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def press(self, words: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=words, exact=True).click()


@pytest.fixture(params=SIZES)
def visit(request: Any, browser: Any, live_server: Any, payment_gateway: GatewayProcess) -> Any:
    """The test fails on any error of a script, and on anything that does not load."""
    cache.clear()
    SlotFactory()
    page = browser.new_page(viewport=SIZES[request.param], base_url=live_server.url, timezone_id="Europe/Berlin")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield Visit(page, request.param)
    page.close()
    assert wrong == []


def sign_up(visit: Visit) -> None:
    """From a slot, because that is where somebody finds out that an account is needed."""
    page = visit.page
    page.goto("/")
    page.click(".day .card a")
    visit.look("slot")
    page.click("main >> text=Create an account")
    visit.look("sign-up")
    page.get_by_label("Email address or mobile number").fill(MAIL)
    visit.press("Send the code")
    page.get_by_label("Code", exact=True).fill("000000")
    visit.fill(Your_name="Ann", Password="short")
    visit.press("Create the account")
    visit.look("sign-up-wrong")
    visit.fill(Code=visit.read_code("email"), Password=PASSWORD)
    visit.press("Create the account")
    assert "Welcome! Your account is ready." in page.inner_text("main")


def test_a_stranger_signs_up_books_changes_the_phone_sets_a_new_password_and_closes(visit: Visit) -> None:
    sign_up(visit)
    book(visit)
    put_the_event_into_a_calendar(visit)
    ask_for_the_confirmation_again_and_cancel(visit)
    change_the_profile(visit)
    sign_in_by_a_code(visit)
    set_a_new_password(visit)
    close(visit)


def book(visit: Visit) -> None:
    page = visit.page
    visit.press("Continue to payment")
    visit.press("Pay €12.50")
    assert Booking.objects.get().user.first_name == "Ann"
    assert "CET" in page.inner_text("dl") or "CEST" in page.inner_text("dl"), "the browser told its time zone"


def put_the_event_into_a_calendar(visit: Visit) -> None:
    """The file is saved from the booking's page, and a calendar's library reads it; the code beside it is shown."""
    booking = Booking.objects.latest("pk")
    with visit.page.expect_download() as saved:
        visit.page.click("text=Add to your calendar")
    assert saved.value.suggested_filename == f"booking-{booking.pk}.ics"
    (event,) = Calendar.from_ical(Path(saved.value.path()).read_bytes()).walk("VEVENT")
    assert str(event["SUMMARY"]) == booking.slot.title
    assert event["DTSTART"].dt == booking.slot.starts_at.replace(microsecond=0)
    assert visit.page.evaluate("document.querySelector('.ticket img').naturalWidth") > 100, "the code is a picture"


def ask_for_the_confirmation_again_and_cancel(visit: Visit) -> None:
    """On the booking's page, of a customer or of a guest; the page says what comes back, and that it does."""
    page = visit.page
    visit.read_link()
    page.reload()
    page.click("text=Send a message again")
    page.get_by_label("Which one").select_option(label="Confirmation by Email")
    visit.look("booking-again")
    visit.press("Send it again")
    assert "It is on its way again." in page.inner_text("main")
    assert OutboxMessage.objects.filter(kind="booking.confirmed", channel="email").count() == 2
    page.click("text=Cancel this booking")
    assert "We will refund €12.50. It can take a few days to appear on your statement." in page.inner_text("main")
    visit.look("booking")
    visit.press(f"Cancel booking {Booking.objects.latest('pk').pk}")
    assert page.inner_text("#status") == "cancelled"
    assert "€12.50, on its way" in page.inner_text("dl")
    refunds.execute_due()
    page.reload()
    assert "€12.50, refunded" in page.inner_text("dl")
    visit.look("booking-cancelled")


def test_a_guest_books_finds_the_booking_by_its_link_and_makes_an_account(visit: Visit) -> None:
    come_in_as_a_guest(visit)
    visit.press("Continue to payment")
    visit.press("Pay €12.50")
    assert not Booking.objects.get().user.has_usable_password()
    visit.look("guest-booking")
    link = visit.read_link()
    visit.page.goto("about:blank")  # the page would go on asking what waits, and be refused
    visit.page.context.clear_cookies()
    visit.page.goto(link)
    assert visit.page.get_by_role("link", name="Sign in").count() == 1, "nobody is signed in"
    visit.look("guest-link")
    put_the_event_into_a_calendar(visit)
    ask_for_the_confirmation_again_and_cancel(visit)
    make_an_account_of_it(visit)
    close(visit)


def come_in_as_a_guest(visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    visit.look("home")
    page.click(".day .card a")
    page.click("text=Book without an account")
    visit.look("guest")
    visit.fill(Your_name="Gus", Email_address=MAIL, Mobile_number=PHONE)
    visit.press("Send the codes")
    visit.fill(Code_from_the_SMS="000000", Code_from_the_email=visit.read_code("email"))
    visit.press("Continue")
    visit.look("guest-code-wrong")
    visit.fill(Code_from_the_SMS=visit.read_code("sms"))
    visit.press("Continue")


def make_an_account_of_it(visit: Visit) -> None:
    page = visit.page
    page.goto("/accounts/signup/")
    page.get_by_label("Email address or mobile number").fill(MAIL)
    visit.press("Send the code")
    visit.fill(Code=visit.read_code("email"), Your_name="Gus", Password=PASSWORD)
    visit.press("Create the account")
    page.goto("/bookings/")
    assert "Sunset kayak tour" in page.inner_text("main")
    visit.look("bookings")


def change_the_profile(visit: Visit) -> None:
    page = visit.page
    page.goto("/accounts/profile/")
    visit.fill(Phone_number=PHONE)
    visit.press("Save addresses")
    visit.look("profile-code")
    visit.fill(Code_for_your_new_phone_number=visit.read_code("sms"))
    visit.press("Confirm")
    visit.fill(Phone_number=NEW_PHONE)
    visit.press("Save addresses")
    visit.fill(Code_for_your_new_phone_number=visit.read_code("sms"))
    visit.press("Confirm")
    assert sent_to("phone", PHONE)[-1] == "account.phone_replaced"
    page.get_by_label("Reminders by WhatsApp").uncheck()
    visit.press("Save wishes")
    visit.look("profile")
    page.get_by_label("Language of our messages").select_option("de")
    visit.press("Save")
    visit.look("profile-german")
    visit.press("English")


def sign_in_by_a_code(visit: Visit) -> None:
    page = visit.page
    visit.press("Sign out Ann")
    page.click("text=Sign in")
    visit.look("sign-in")
    page.click("text=Sign in with a code instead")
    page.get_by_label("Email address or mobile number").fill(MAIL)
    visit.press("Send the code")
    visit.look("sign-in-code")
    visit.fill(Code=visit.read_code("email"))
    visit.press("Sign in")


def set_a_new_password(visit: Visit) -> None:
    page = visit.page
    visit.press("Sign out Ann")
    page.click("text=Sign in")
    page.click("text=I have forgotten my password")
    visit.look("reset")
    page.get_by_label("Email address or mobile number").fill(MAIL)
    visit.press("Send the code")
    visit.look("reset-code")
    visit.fill(Code=visit.read_code("email"), New_password=NEW)
    visit.press("Set the new password")
    page.get_by_label("Email address, mobile number or user name").fill(NEW_PHONE)
    visit.fill(Password=NEW)
    visit.press("Sign in")


def close(visit: Visit) -> None:
    page = visit.page
    page.goto("/accounts/profile/")
    page.click("text=Close my account")
    assert "upcoming" not in page.inner_text("main"), "it was cancelled"
    visit.look("close")
    visit.press("Send me a code instead of the password")
    visit.look("close-code")
    visit.fill(Code=visit.read_code("email"))
    visit.press("Close my account with the code")
    assert "Your account is closed" in page.inner_text("main")
    assert page.get_by_role("link", name="Sign in").count() == 1
    assert not User.objects.get().is_active
