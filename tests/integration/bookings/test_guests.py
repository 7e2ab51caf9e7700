"""Guests book with addresses that they proved, find the booking by its link, and make an account of it later."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from bookings import access_codes, accounts, booking_links, guests
from bookings.access_codes import Purpose
from bookings.erasure import erase_customer
from bookings.errors import AddressRefused, InvalidCode, NoAccount
from bookings.models import Booking, Order
from notifications import outbox
from notifications.content.confirmation_codes import code_of
from notifications.models import AddressVerification, OutboxMessage, Recipient
from notifications.verification import Proof
from tests.factories.bookings import SlotFactory, booking_of
from tests.factories.codes import another, customer_who_signed_up, last_code, sent_to
from tests.stage.accounts import MAIL, PASSWORD, PHONE, is_in
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db
COME_IN, CODES = "/accounts/guest/", "/accounts/guest/code/"
BOTH = {"name": "Gus", "email": MAIL, "phone": PHONE}


@pytest.fixture(autouse=True)
def nobody_was_here() -> None:
    cache.clear()


def code_sent_to(field: str) -> str:
    return code_of(AddressVerification.objects.filter(field=field).latest("pk").pk)


def come_in(browser: Client, **more: str) -> Any:
    browser.post(COME_IN, BOTH | more)
    codes = {field: code_sent_to(field) for field in ("email", "phone") if (BOTH | more)[field]}
    return browser.post(f"{CODES}?next=/bookings/", codes | {"time_zone": "Europe/Berlin"})


def a_guest(*fields: str) -> User:
    proofs = [Proof("phone", PHONE) if field == "phone" else Proof("email", MAIL) for field in fields or ("email",)]
    return guests.come_in(proofs, guests.NewGuest("Gus"))


def test_a_guest_proves_both_addresses_and_is_in_without_a_password() -> None:
    browser = Client(headers={"Accept-Language": "de"})
    assert come_in(browser).headers["Location"] == "/bookings/"
    guest = User.objects.get()
    contact = outbox.contact_of(guest)
    assert is_in(browser)
    assert (contact.email, contact.phone, contact.locale, contact.time_zone) == (MAIL, PHONE, "de", "Europe/Berlin")
    assert (guest.first_name, guest.has_usable_password(), guest.is_staff) == ("Gus", False, False)
    assert "Konto anlegen" in browser.get("/bookings/").content.decode()


@pytest.mark.parametrize(("email", "phone"), [(MAIL, ""), ("", PHONE)])
def test_one_address_is_enough(email: str, phone: str) -> None:
    browser = Client()
    come_in(browser, email=email, phone=phone)
    assert is_in(browser)


def test_a_code_that_is_right_is_entered_once_also_where_the_other_one_is_wrong() -> None:
    browser = Client()
    browser.post(COME_IN, BOTH)
    mail, phone = code_sent_to("email"), code_sent_to("phone")
    page = browser.post(CODES, {"email": mail, "phone": another(phone)}).content.decode()
    assert "This code is not valid" in page
    assert f"<strong>{MAIL}</strong> is confirmed." in page
    assert (User.objects.count(), is_in(browser)) == (0, False)
    assert browser.post(CODES, {"phone": phone}).status_code == 302
    assert is_in(browser)


def test_neither_asking_nor_guessing_makes_anything() -> None:
    browser = Client()
    browser.post(COME_IN, BOTH)
    for _ in range(7):
        wrong = {"email": another(code_sent_to("email")), "phone": another(code_sent_to("phone"))}
        assert browser.post(CODES, wrong).status_code == 200
    right = {"email": code_sent_to("email"), "phone": code_sent_to("phone")}
    assert "This code is not valid" in browser.post(CODES, right).content.decode(), "guessed at too often"
    assert (User.objects.count(), is_in(browser)) == (0, False)
    assert Client().post(CODES, right).headers["Location"] == COME_IN, "a browser that asked for nothing"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"email": "", "phone": ""}, {"email": "ann@"}, {"phone": "12"}, {"phone": "0170 1234567"}, {"name": ""}),
        *({"email": "x" * 300}, {"name": "x" * 200}, {"email": "a@b\r\nc.example"}),
    ],
)
def test_what_cannot_be_is_said_and_sends_no_code(wrong: dict[str, str]) -> None:
    page = Client().post(COME_IN, BOTH | wrong)
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()
    assert not OutboxMessage.objects.exists(), "also not to the address that is right"


def test_codes_of_one_purpose_open_nothing_else() -> None:
    asked = access_codes.ask(Purpose.SIGN_IN, MAIL)
    with pytest.raises(InvalidCode):
        access_codes.Asked.of(asked.signed(), purpose=Purpose.GUEST)


def test_who_comes_again_is_the_same_guest_and_may_still_come_in_by_a_code() -> None:
    first = a_guest("email", "phone")
    days_ago = timezone.now() - timedelta(days=3)
    User.objects.update(date_joined=days_ago)
    Recipient.objects.update(email_verified_at=days_ago, phone_verified_at=days_ago)
    assert a_guest("email") == first
    assert not accounts.find("email", MAIL).is_too_new, "it was proved long ago"
    assert a_guest("phone") != first, "a number is shared: the email address says who it is"
    assert a_guest("phone") != first


def test_a_phone_number_alone_opens_no_guest_who_has_an_email_address() -> None:
    guest = a_guest("email", "phone")
    booking_of(guest)
    for purpose, enter in (
        (Purpose.SIGN_IN, lambda asked: accounts.sign_in(asked, code=last_code())),
        (Purpose.RESET, lambda asked: accounts.set_password(asked, code=last_code(), password=PASSWORD)),
    ):
        with pytest.raises(NoAccount):
            enter(access_codes.ask(purpose, PHONE))
    assert customer_who_signed_up(PHONE, password=PASSWORD) != guest
    guest.refresh_from_db()
    assert (accounts.is_guest(guest), guest.has_usable_password()) == (True, False)
    assert Booking.objects.get().user == guest


def test_who_has_an_account_books_with_it() -> None:
    ann = customer_who_signed_up(MAIL, password=PASSWORD)
    browser = Client()
    come_in(browser)
    assert browser.session["_auth_user_id"] == str(ann.pk)
    assert outbox.contact_of(ann).phone == "", "an account changes only where its owner changes it"
    assert User.objects.count() == 1


def test_an_address_of_staff_brings_nobody_in() -> None:
    User.objects.create_user("boss", MAIL, PASSWORD, is_staff=True)
    with pytest.raises(AddressRefused):
        a_guest()


def test_a_phone_that_somebody_else_has_too_makes_nobody_else_of_a_guest() -> None:
    ann = customer_who_signed_up(PHONE, password=PASSWORD)
    guest = a_guest("email", "phone")
    assert guest != ann
    assert accounts.find("phone", PHONE).customer == ann, "who proved it first"


def test_who_signs_up_with_the_address_later_finds_the_bookings() -> None:
    guest = a_guest()
    booking = booking_of(guest)
    browser = Client()
    browser.post("/accounts/signup/", {"address": MAIL})
    browser.post("/accounts/signup/code/", {"code": last_code(), "name": "Gustav", "password": PASSWORD})
    assert User.objects.get() == guest
    guest.refresh_from_db()
    assert (guest.first_name, accounts.is_guest(guest), guest.check_password(PASSWORD)) == ("Gustav", False, True)
    assert f"/bookings/{booking.pk}/" in browser.get("/bookings/").content.decode()


def test_a_guest_who_is_in_may_make_an_account_and_other_browsers_are_out() -> None:
    browser, other = Client(), Client()
    come_in(browser)
    other.force_login(User.objects.get())
    assert browser.get("/accounts/signup/").status_code == 200
    browser.post("/accounts/signup/", {"address": MAIL})
    browser.post("/accounts/signup/code/", {"code": last_code(), "name": "Gus", "password": PASSWORD})
    assert browser.get("/bookings/").status_code == 200
    assert other.get("/bookings/").status_code == 302


def test_a_customer_who_proves_the_address_takes_a_guests_bookings_over_and_nobody_elses() -> None:
    guest, other = a_guest("email", "phone"), guests.come_in([Proof("email", "else@example.com")], guests.NewGuest("E"))
    booking, others = booking_of(guest), booking_of(other)
    ann = customer_who_signed_up("+14155550111", password=PASSWORD)
    browser = Client()
    browser.force_login(ann)
    browser.post("/accounts/profile/", {"phone": PHONE, "email": ""})
    browser.post("/accounts/profile/", {"field": "phone", "code": last_code()})
    assert Booking.objects.get(pk=booking.pk).user == guest, "a number is shared: the email address says who it is"
    browser.post("/accounts/profile/", {"phone": PHONE, "email": MAIL})
    assert Booking.objects.get(pk=booking.pk).user == guest, "asking alone moves nothing"
    browser.post("/accounts/profile/", {"field": "email", "code": last_code()})
    assert Booking.objects.get(pk=booking.pk).user == ann
    assert Order.objects.get(pk=booking.order_id).user == ann
    assert Booking.objects.get(pk=others.pk).user == other


class TestTheLink:
    def test_a_guest_sees_and_cancels_the_booking_without_signing_in(self) -> None:
        booking = booking_of(a_guest())
        link, stranger = f"/b/{booking_links.token_of(booking.pk)}/", Client()
        page = stranger.get(link)
        assert "We will refund" in page.content.decode()
        assert (page.headers["Referrer-Policy"], "no-store" in page.headers["Cache-Control"]) == ("same-origin", True)
        assert stranger.get(f"{link}state/").json()["status"] == "confirmed"
        assert stranger.get(f"{link}cancel/").headers["Location"] == link, (
            "a scanner that follows links cancels nothing"
        )
        booking.refresh_from_db()
        assert booking.status == Booking.Status.CONFIRMED
        assert "Your booking is cancelled." in stranger.post(f"{link}cancel/", follow=True).content.decode()
        booking.refresh_from_db()
        assert booking.status == Booking.Status.CANCELLED
        assert sent_to("email", MAIL)[-1] == "booking.cancelled"
        assert not is_in(stranger)

    def test_it_opens_that_booking_alone_and_a_wrong_one_none(self) -> None:
        guest = a_guest()
        booking, other = booking_of(guest), booking_of(guest)
        token = booking_links.token_of(booking.pk)
        swapped = booking_links.token_of(other.pk).split("-")[0] + "-" + token.split("-", 1)[1]
        for wrong in (
            swapped,
            token[:-1],
            token + "A",
            token.upper(),
            "-",
            f"{'z' * 50}-x",
            "1-",
            "é-ß",
            "0-" + token[-12:],
        ):
            for page in ("", "state/"):
                assert Client().get(f"/b/{wrong}/{page}").status_code == 404, wrong
            assert Client().post(f"/b/{wrong}/cancel/").status_code == 404, wrong

    def test_a_customers_booking_asks_who_it_is(self) -> None:
        ann = customer_who_signed_up(MAIL, password=PASSWORD)
        booking = booking_of(ann)
        link = f"/b/{booking_links.token_of(booking.pk)}/"
        assert Client().get(link).headers["Location"] == f"/bookings/{booking.pk}/"
        assert Client().get(f"{link}state/").status_code == 404
        assert Client().post(f"{link}cancel/").status_code == 404
        booking.refresh_from_db()
        assert booking.status == Booking.Status.CONFIRMED

    def test_it_ends_with_the_person(self) -> None:
        guest = a_guest()
        link = f"/b/{booking_links.token_of(booking_of(guest).pk)}/"
        erase_customer(guest, actor="test")
        assert Client().get(link).status_code == 404


def test_a_guest_who_orders_nothing_is_forgotten_in_time(settings: Any) -> None:
    idle, busy = a_guest(), guests.come_in([Proof("email", "busy@example.com")], guests.NewGuest("B"))
    ann = customer_who_signed_up("ann2@example.com", password=PASSWORD)
    booking_of(busy)
    assert guests.prune(now=timezone.now()) == 0
    assert guests.prune(now=timezone.now() + timedelta(days=settings.GUEST_DAYS, minutes=1)) == 1
    active = User.objects.filter(is_active=True)
    assert {idle.pk, busy.pk, ann.pk} - set(active.values_list("pk", flat=True)) == {idle.pk}


@pytest.mark.django_db(transaction=True)
def test_from_slot_to_booking_as_a_guest(payment_gateway: GatewayProcess) -> None:
    slot, browser = SlotFactory(), Client()
    page = browser.get(f"/slots/{slot.pk}/").content.decode()
    (door,) = re.findall(r'href="(/accounts/guest/[^"]*)"', page)
    browser.post(door, BOTH)
    back = browser.post(
        door.replace("guest/", "guest/code/"), {"email": code_sent_to("email"), "phone": code_sent_to("phone")}
    )
    assert back.headers["Location"] == f"/slots/{slot.pk}/"
    form = browser.get(f"/slots/{slot.pk}/").content.decode()
    (key,) = re.findall(r'name="key" value="([^"]*)"', form)
    order = browser.post(f"/slots/{slot.pk}/", {"quantity": "1", "key": key}).headers["Location"]
    browser.post(f"{order}pay/")
    booking = Booking.objects.get()
    assert accounts.is_guest(booking.user)
    assert [message.channel for message in outbox.messages_about([booking.reference])[booking.reference]] == [
        "sms",
        "whatsapp",
        "email",
    ]
