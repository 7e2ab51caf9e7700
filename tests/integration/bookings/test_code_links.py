"""The link beside a code: it fills the code in, a button spends it, and what follows links uses nothing up."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from bookings import code_links
from bookings.code_links import Way
from notifications import outbox
from notifications.models import AddressVerification
from tests.factories.codes import customer_who_signed_up
from tests.stage.accounts import MAIL, NEW, PASSWORD, PHONE, SIGN_UP, is_in
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_here() -> None:
    cache.clear()


def link() -> str:
    """The path of the link in the message that goes out last."""
    inbox = RecordingChannel("email")
    inbox.address_field, inbox.templates = "email", {"text": "email.txt"}
    phone = RecordingChannel("sms")
    drain(inbox, phone)
    text = max([*inbox.sent, *phone.sent], key=lambda outgoing: outgoing.message_id).parts["text"]
    (found,) = re.findall(r"http://localhost:8000(/c/\S*)", text)
    return str(found)


def form_of(browser: Client, page: str) -> dict[str, str]:
    """What the page has filled in."""
    html = browser.get(page).content.decode()
    return {"code": re.findall(r'name="code" value="(\d{6})"', html)[0]}


def test_a_link_opens_the_form_with_the_code_and_only_the_button_spends_it() -> None:
    scanner, phone, laptop = Client(), Client(), Client()
    laptop.post(SIGN_UP, {"address": MAIL})
    followed = link()
    for _ in range(3):
        scanner.get(followed, follow=True)
        scanner.head(followed)
    assert AddressVerification.objects.get().ended_at is None
    assert scanner.post(followed).status_code == 405
    page = phone.get(followed).headers["Location"]
    assert page == "/accounts/signup/code/"
    assert phone.get(followed).headers["Referrer-Policy"] == "same-origin"
    phone.post(page, form_of(phone, page) | {"name": "Ann", "password": PASSWORD})
    assert is_in(phone), "in another browser than the one that asked"
    assert not is_in(laptop)
    late = Client().get(followed, follow=True)
    assert late.redirect_chain[-1][0] == SIGN_UP
    assert "This link is no longer valid. Ask for a new code." in late.content.decode()


@pytest.mark.parametrize("address", [MAIL, PHONE])
def test_one_signs_in_and_sets_a_new_password_by_a_link(address: str) -> None:
    ann = customer_who_signed_up(address, password=PASSWORD)
    browser = Client()
    browser.post("/accounts/login/code/", {"address": address})
    page = browser.get(link()).headers["Location"]
    browser.post(page, form_of(browser, page))
    assert is_in(browser)
    Client().post("/accounts/password/reset/", {"address": address})
    page = browser.get(link()).headers["Location"]
    browser.post(page, form_of(browser, page) | {"password": NEW})
    ann.refresh_from_db()
    assert ann.check_password(NEW)


def test_a_new_address_is_confirmed_by_its_customer_alone() -> None:
    ann, eve = customer_who_signed_up(MAIL, password=PASSWORD), customer_who_signed_up(PHONE, password=PASSWORD)
    browser, other = Client(), Client()
    browser.force_login(ann)
    other.force_login(eve)
    browser.post("/accounts/profile/", {"email": "new@example.com", "phone": ""})
    followed = link()
    assert "/accounts/login/" in Client().get(followed).headers["Location"]
    assert "no longer valid" in other.get(followed, follow=True).content.decode()
    page = browser.get(followed).content.decode()
    assert outbox.contact_of(ann).email == MAIL, "opening it changes nothing"
    fields = dict(re.findall(r'name="(field|code)" value="([^"]*)"', page))
    browser.post("/accounts/profile/", fields)
    assert outbox.contact_of(ann).email == "new@example.com"


def test_an_account_is_closed_by_a_link() -> None:
    ann = customer_who_signed_up(MAIL, password=PASSWORD)
    browser = Client()
    browser.force_login(ann)
    browser.post("/accounts/close/", {"send": "1"})
    page = browser.get(link()).headers["Location"]
    browser.post(page, form_of(browser, page))
    ann.refresh_from_db()
    assert not ann.is_active


@pytest.mark.parametrize("way", [Way.SIGN_IN, Way.RESET, Way.CLOSE, Way.ADDRESS, Way.GUEST])
def test_a_link_is_good_for_its_purpose_alone(way: Way) -> None:
    browser = Client()
    browser.post(SIGN_UP, {"address": MAIL})
    token = link().split("/")[2]
    assert browser.get(f"/c/{way}{token[1:]}/").status_code == 404


def test_nobody_makes_a_link_and_no_picture_opens_one() -> None:
    Client().post(SIGN_UP, {"address": MAIL})
    followed = link()
    token = followed.split("/")[2]
    odd = ["", "-", "u-", f"u1-{token[-12:]}", token[:-1], f"{token}A", token.swapcase(), "u%C3%9F-x", "x" * 500]
    for wrong in odd:
        assert Client().get(f"/c/{wrong}/").status_code == 404, wrong
    assert Client(headers={"Sec-Fetch-Dest": "image"}).get(followed).status_code == 404
    assert code_links.read(token) is not None


def test_a_link_of_an_earlier_key_holds_and_one_of_a_foreign_key_does_not(settings: Any) -> None:
    settings.OUTBOX_LINK_KEY = "first"
    token = code_links.token_of(7, way=Way.SIGN_UP)
    settings.OUTBOX_LINK_KEY, settings.OUTBOX_LINK_KEY_FALLBACKS = "second", ["first"]
    assert code_links.read(token) == (Way.SIGN_UP, 7)
    settings.OUTBOX_LINK_KEY_FALLBACKS = []
    assert code_links.read(token) is None
