"""Whatever a customer can meet is German for who reads German: each page, each form's error, each message.

Everything is said once in English and once in German. What is the same in both was not translated, unless it is a name.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import translation
from pytest_django import Settings

from bookings import announcements, booking_links, errors, undo_links
from bookings.documents.words import WORDS
from bookings.gateways.base import PaymentState
from bookings.models import Slot
from bookings.pages import refusals
from bookings.user_agents import translated
from config import error_views, login_throttle, password_hashing, throttling, unavailable
from notifications import kinds, outbox
from notifications.channels import needs_of
from notifications.content.compose import Reader, put_into_words
from notifications.content.unsubscribe_links import Subscription, link_for
from notifications.models import AddressChange, Recipient
from notifications.outbox import Purpose
from tests.factories.bookings import CustomerFactory, SlotFactory, booking_of
from tests.factories.codes import another, last_code
from tests.stage.accounts import PASSWORD
from tests.stage.gateway import GatewayProcess
from tests.stage.visible_words import visible_words

NAMES = {
    *("Blue Bay Kayaks", "Sunset kayak tour", "English", "Deutsch", "Ann", "UTC", "SMS", "WhatsApp", "Code", "Name"),
    *("Asha", "Harbour Street 1, Hamburg", "Status", "PDF", "© Blue Bay Kayaks", "Firefox", "QR"),
}
NAMELESS = re.compile(r"[\w.+-]+@[\w.-]+|\+\d+(…\d+)?|\d+|[€,.:;()·–-]|MEZ|CET|customer-?\w+|guest-\w+|pages/[\w-]+")
LINK = re.compile(r"https?://\S+")  # a token in it may hold a name
Said = dict[str, set[str]]
TOO_LONG = "x" * 200
A_PHONE, A_CODE = "+14155550199", {"code": "123456"}


@pytest.fixture(autouse=True)
def business(settings: Settings) -> None:
    cache.clear()
    settings.PUBLIC_URL = "https://book.example.com"
    settings.OUTBOX_ALLOWED_COUNTRIES = ["US"]
    settings.OUTBOX_CODES_PER_HOUR = 100
    settings.BUSINESS = {**settings.BUSINESS, "name": "Blue Bay Kayaks"}


def is_a_name(text: str) -> bool:
    text = LINK.sub(" ", text)
    for name in sorted(NAMES, key=len, reverse=True):
        text = text.replace(name, " ")
    return not any(letter.isalpha() for letter in NAMELESS.sub(" ", text))


def assert_translated(english: Said, german: Said) -> None:
    assert english.keys() == german.keys()
    assert all(english.values()), "there is something to compare"
    same = {
        step: words
        for step in english
        if (words := {each for each in english[step] & german[step] if not is_a_name(each)})
    }
    assert same == {}, "in English for who reads German"


class Visitor:
    """A browser in one language, that notes what it reads."""

    def __init__(self, language: str, customer: User | None = None) -> None:
        self.client = Client(headers={"Accept-Language": language, "User-Agent": "Firefox Windows"})
        self.language, self.said = language, Said()
        if customer:
            outbox.change_contact(customer, locale=language)
            self.client.force_login(customer)

    def _note(self, step: str, answer: Any) -> str:
        assert answer.status_code < 500, step
        page: str = answer.content.decode()
        assert f'<html lang="{self.language}"' in page, step
        self.said[f"{step} {len(self.said)}"] = visible_words(page)
        return page

    def sees(self, path: str) -> str:
        return self._note(path.split("/")[1], self.client.get(path, follow=True))

    def sends(self, path: str, **fields: str) -> str:
        return self._note(f"{sorted(fields)}", self.client.post(path, fields, follow=True))


def a_stranger(language: str) -> Said:
    """All that can be met without an account, with everything entered wrongly that can be."""
    visit, slot, mail = Visitor(language), Slot.objects.earliest("pk"), f"{language}@example.com"
    for path in (
        "/",
        "/?month=2031-01",
        f"/slots/{slot.pk}/",
        "/accounts/login/",
        "/nowhere/",
        "/c/x/",
        "/u/x/",
        "/b/x/",
    ):
        visit.sees(path)
    visit.sends("/accounts/login/", username="", password="")
    visit.sends("/accounts/login/", username="nobody", password="wrong")
    pages = {"signup/": "signup/code/", "login/code/": "login/code/enter/", "password/reset/": "password/reset/code/"}
    for first, second in pages.items():
        visit.sees(f"/accounts/{first}")
        for address in (
            "",
            "nobody",
            "a@b",
            "a@☃.example",
            "+49151",
            "+4915112345678",
            TOO_LONG,
            f"{TOO_LONG}{TOO_LONG}@x.example",
        ):
            visit.sends(f"/accounts/{first}", address=address)
        visit.sends(f"/accounts/{first}", address=mail)
        more = {"name": "Ann", "password": PASSWORD, "time_zone": ""}
        visit.sends(f"/accounts/{second}", **{**more, "code": another(last_code())})
        for password in ("", "short", "password123", "12345678901", mail):
            visit.sends(f"/accounts/{second}", **{**more, "code": last_code(), "password": password, "name": ""})
        visit.sends(f"/accounts/{second}", **{**more, "code": last_code()})
        visit.client.post("/logout/")
    visit.sees("/accounts/guest/")
    for name, email, phone in (("", "", ""), ("Ann", "a@b", "1"), ("Ann", "", ""), (TOO_LONG, TOO_LONG * 2, TOO_LONG)):
        visit.sends("/accounts/guest/", name=name, email=email, phone=phone)
    visit.sends("/accounts/guest/", name="Ann", email=f"guest.{mail}", phone=A_PHONE)
    visit.sends("/accounts/guest/code/", email="1", phone="")
    return visit.said


def a_customer(language: str) -> Said:
    """All that can be met with an account, a booking, and an order that waits for payment."""
    customer = CustomerFactory(first_name="Ann", phone=A_PHONE)
    customer.set_password(PASSWORD)
    customer.save()
    visit, own = Visitor(language, customer), "/accounts/profile/"
    visit.sees("/bookings/")  # none yet
    visit.sees("/accounts/messages/")
    booking = booking_of(customer)
    Slot.objects.filter(pk=booking.slot_id).update(place="Harbour Street 1, Hamburg", map_url="https://maps.example")
    with transaction.atomic():
        announcements.booking_confirmed(booking)
    for path in ("/bookings/", f"/bookings/{booking.pk}/", own, "/accounts/messages/", "/accounts/messages/?q=zz"):
        visit.sees(path)
    for path in ("/accounts/security/", "/accounts/close/", "/bookings/999999/"):
        visit.sees(path)
    slot = SlotFactory(capacity=2)
    visit.sends(f"/slots/{slot.pk}/", quantity="7", key="x")
    order = "9d4f0b66-2f1d-4d0e-9a54-0d1f3b1f7f4" + ("e" if language == "en" else "d")
    page = visit.sends(f"/slots/{slot.pk}/", quantity="1", key=order)
    place = re.findall(r'action="(/orders/\d+/)pay/"', page)[0]
    visit.sends(f"{place}paid/", payment_id="")
    visit.sends(f"{place}paid/", payment_id="pay_none", signature="0" * 64)
    visit.sends(f"{place}pay/")
    for wrong in (
        {"phone": "1", "email": "a@b"},
        {"phone": "+4915112345678", "email": ""},
        {"phone": TOO_LONG, "email": TOO_LONG * 2},
    ):
        visit.sends(own, **wrong)
    visit.sends(own, about="1", name=TOO_LONG, locale="xx", time_zone="Mars")
    visit.sends(own, phone="+14155550142", email=f"new.{language}@example.com")
    visit.sends(own, field="phone", **A_CODE)
    visit.sends("/accounts/security/", **{"change-password": "wrong", "change-new_password": "x"})
    visit.sends("/accounts/security/", **{"change-password": PASSWORD, "change-new_password": "12345678"})
    visit.sends("/accounts/close/", password="wrong")
    visit.sends("/accounts/close/", send="1")
    visit.sends("/accounts/close/", **A_CODE)
    visit.sends(f"/bookings/{booking.pk}/again/", kind="booking.confirmed", channel="sms")
    for _ in range(2):
        visit.sends(f"/bookings/{booking.pk}/cancel/")
    visit.sends("/accounts/close/", password=PASSWORD)
    return visit.said


def by_links(language: str) -> Said:
    """What the links in messages lead to."""
    visit = Visitor(language)
    guest = User.objects.create(username=f"guest-{language}", email=f"g.{language}@example.com")
    outbox.change_contact(guest, locale=language, email=guest.email)
    link = f"/b/{booking_links.token_of(booking_of(guest).pk)}/"
    for path in (link, f"{link}cancel/"):
        visit.sees(path)
    visit.sends(f"{link}cancel/")
    reader = Recipient.objects.get(user_id=guest.pk)
    unsubscribe = link_for(Subscription(reader.pk, "email", Purpose.REMINDER)).removeprefix("https://book.example.com")
    visit.sees(unsubscribe)
    visit.sends(unsubscribe)
    change = AddressChange.objects.create(recipient=reader, field="email", old="old@example.com")
    visit.sees(f"/u/{undo_links.token_of(change.pk)}/")
    return visit.said


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("walk", [a_stranger, a_customer, by_links])
def test_every_page_and_each_forms_error_is_german(
    walk: Callable[[str], Said], payment_gateway: GatewayProcess
) -> None:
    SlotFactory()
    assert_translated(walk("en"), walk("de"))


def _without_a_view(request: HttpRequest) -> Iterator[tuple[str, HttpResponse]]:
    yield "400", error_views.bad_request(request, Exception())
    yield "403", error_views.forbidden(request, Exception())
    yield "403 of a form", error_views.form_refused(request)
    yield "404", error_views.not_found(request, Exception())
    yield "413", refusals.too_large(request)
    yield "429", throttling._too_many(request, seconds=2)
    yield "429 of passwords", login_throttle.refuse(request, None, None)
    yield "429 of hashes", password_hashing._busy(request)
    yield "500", error_views.server_error(request)
    yield "503", unavailable.answer(request)


@pytest.mark.django_db
def test_every_error_has_a_german_page() -> None:
    said: dict[str, Said] = {}
    for language in ("en", "de"):
        request = RequestFactory(headers={"Accept-Language": language, "Accept": "text/html"}).get("/bookings/")
        with translation.override(language):
            said[language] = {name: visible_words(page.content.decode()) for name, page in _without_a_view(request)}
    assert_translated(said["en"], said["de"])


def _refusals() -> Iterator[tuple[str, str]]:
    of_more = {
        errors.PaymentNotCaptured: [(state,) for state in PaymentState],
        errors.NotEnoughSeats: [(1,), (2,)],
        errors.TooManySeats: [(3,)],
        errors.NotSentAgain: [("too_often",), ("under_way",), ("other",)],
        errors.RefusedByGateway: [("because",)],
    }
    for kind in {*errors.BookingError.__subclasses__(), errors.RefusedByGateway} - {errors.LimitReached}:
        for given in of_more.get(kind, [()]):
            yield f"{kind.__name__} {given}", kind(*given).message
    for code in errors.LimitReached.MESSAGES:
        yield code, errors.LimitReached(code, retry_after=1).message
    yield "device", translated("Unknown program on Linux")


def test_every_refusal_is_german() -> None:
    said = {}
    for language in ("en", "de"):
        with translation.override(language):
            said[language] = {name: {words} for name, words in _refusals()}
    assert_translated(said["en"], said["de"])
    with translation.override("de"):
        assert "autorisiert" in errors.PaymentNotCaptured("authorized").message


def _messages(language: str) -> Said:
    purposes = [{"purpose": each} for each in ("signup", "signin", "reset", "close", "guest")]
    variants = {"booking.cancelled": [{"refund": 0}, {"refund": 1}], "account.access_code_email": purposes}
    variants |= {"payment.refunded": [{"reason": each} for each in ("cancelled", "sold_out", "order_already_paid")]}
    variants |= {"account.access_code_sms": purposes}
    said: Said = {}
    ours = [kind.name for kind in announcements.KINDS] + [name for name in kinds.names() if name.startswith("account.")]
    for name in ours:
        kind = kinds.get(name)
        for channel in kind.channels:
            needs = needs_of(channel)
            assert needs
            for more in variants.get(name, [{}]):
                reader = Reader(7, language, "Europe/Berlin")
                words = put_into_words(name, {**kind.sample, **more}, form=needs.form_for(name), reader=reader).parts
                for part, text in words.items():
                    lines = visible_words(text) if part == "html" else set(text.splitlines())
                    said[f"{name} {channel} {part} {more}"] = {line for line in lines if line.strip()}
    return said


@pytest.mark.django_db
def test_every_message_is_german() -> None:
    assert_translated(_messages("en"), _messages("de"))


def test_every_word_of_a_document_is_german() -> None:
    assert WORDS["en"].keys() == WORDS["de"].keys()
    assert {word for word in WORDS["en"] if WORDS["en"][word] == WORDS["de"][word]} == set()
