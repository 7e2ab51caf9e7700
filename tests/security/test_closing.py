"""A customer closes the account: after the password or a code of their own, told what it means, and forgotten."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from bookings import access_codes, closing
from bookings.access_codes import Purpose
from bookings.errors import InvalidCode
from bookings.models import Booking
from bookings.sign_ins import SignIn
from bookings.tokens import give_token
from notifications import outbox, verification
from notifications.models import AddressVerification, OutboxMessage, Recipient
from tests.api.problems import assert_problem
from tests.factories.bookings import booking_of, client_of
from tests.factories.codes import another, customer_who_signed_up, last_code, sent_to

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, MAIL, PASSWORD = "/accounts/close/", "ann@example.com", "a long pass phrase"


@pytest.fixture
def ann() -> User:
    return customer_who_signed_up(MAIL, password=PASSWORD)


@pytest.fixture
def browser(ann: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"username": MAIL, "password": PASSWORD})
    return client


def is_closed(user: User) -> bool:
    user.refresh_from_db()
    return not user.is_active


def test_the_page_says_what_it_means_and_names_what_is_booked(browser: Client, ann: User) -> None:
    booked = booking_of(ann)
    outbox.change_contact(ann, time_zone="Asia/Tokyo")
    page = browser.get(PAGE).content.decode()
    assert "This cannot be undone." in page
    assert "You have 1 upcoming booking" in page
    assert f'href="/bookings/{booked.pk}/"' in page
    assert "JST" in page
    assert not is_closed(ann)


def test_the_password_closes_it_and_the_customer_is_forgotten(browser: Client, ann: User) -> None:
    booked, token = booking_of(ann), give_token(ann)
    thief = Client()
    thief.force_login(ann)
    done = browser.post(PAGE, {"password": PASSWORD}, follow=True)

    assert done.redirect_chain == [("/", 302)]
    assert "Your account is closed" in done.content.decode()
    assert is_closed(ann)
    assert (ann.first_name, ann.email, MAIL in ann.username) == ("", "", False)
    assert not Recipient.objects.exclude(phone="", email="").exists(), "nor where codes went"
    assert Booking.objects.get(pk=booked.pk).status == "confirmed"
    assert all(client.get("/bookings/").status_code == 302 for client in (browser, thief))
    assert Client().get("/api/me/", headers={"Authorization": f"Token {token}"}).status_code == 401
    assert Client().post("/accounts/login/", {"username": MAIL, "password": PASSWORD}).status_code == 200
    again = customer_who_signed_up(MAIL, password=PASSWORD)
    assert again.pk != ann.pk, "the address is free"


def test_the_request_that_closes_it_leaves_no_trace_of_the_browser(ann: User) -> None:
    browser = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    browser.force_login(ann)
    browser.post(PAGE, {"password": PASSWORD})
    assert is_closed(ann)
    assert not SignIn.objects.exists()


def test_a_code_closes_it_as_well(browser: Client, ann: User) -> None:
    browser.post(PAGE, {"send": "1"})
    assert sent_to("email", MAIL)[-1] == "account.access_code_email"
    assert OutboxMessage.objects.latest("pk").context["purpose"] == "close"
    assert "not valid" in browser.post(PAGE, {"code": another(last_code())}).content.decode()
    assert not is_closed(ann)
    assert browser.post(PAGE, {"code": last_code()}).status_code == 302
    assert is_closed(ann)


@pytest.mark.parametrize("form", [{}, {"password": ""}, {"password": "wrong"}, {"code": "123456"}])
def test_an_open_session_does_not_close_it(browser: Client, ann: User, form: dict[str, str]) -> None:
    assert browser.post(PAGE, form).status_code == 200
    assert not is_closed(ann)


def test_wrong_passwords_lock_as_at_the_login(browser: Client) -> None:
    assert [browser.post(PAGE, {"password": "wrong"}).status_code for _ in range(6)][-1] == 429


def test_no_code_of_somebody_else_or_for_something_else_closes_it(ann: User) -> None:
    customer_who_signed_up("mallory@example.com", password=PASSWORD)
    theirs = access_codes.ask(Purpose.CLOSE, "mallory@example.com")
    with pytest.raises(InvalidCode):
        closing.close_by_code(ann, theirs, code=last_code())
    to_sign_in = access_codes.ask(Purpose.SIGN_IN, MAIL)
    browser = Client()
    browser.force_login(ann)
    browser.cookies["access_code"] = to_sign_in.signed()
    browser.post(PAGE, {"code": last_code()})
    assert not is_closed(ann)


def test_a_code_to_an_address_that_was_just_changed_does_not_close_it(ann: User) -> None:
    """Whoever holds the session for a moment cannot have the account closed."""
    User.objects.filter(pk=ann.pk).update(date_joined=timezone.now() - timedelta(days=30))
    verification.request_changes(ann, email="thief@example.com")
    verification.confirm(ann, field="email", code=last_code())
    assert closing.address_for_code(ann) == ""
    asked = access_codes.ask(Purpose.CLOSE, "thief@example.com")
    with pytest.raises(InvalidCode):
        closing.close_by_code(ann, asked, code=last_code())
    assert not is_closed(ann)


def test_staff_are_not_erased_here(ann: User) -> None:
    browser = Client()
    browser.force_login(ann)
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    assert browser.post(PAGE, {"password": PASSWORD}).headers["Location"] == "/admin/"
    assert not is_closed(ann)


def test_who_has_neither_password_nor_address_is_told_what_to_do() -> None:
    user = User.objects.create_user("zoe")
    outbox.contact_of(user)
    browser = Client()
    browser.force_login(user)
    assert "Contact us, and we close your account." in browser.get(PAGE).content.decode()


class TestByTheApi:
    def test_the_password_or_a_code_closes_it(self) -> None:
        for number, address in enumerate((MAIL, "bob@example.com")):
            user = customer_who_signed_up(address, password=PASSWORD)
            api = client_of(user)
            given = {"password": PASSWORD}
            if number:
                asked = api.post("/api/accounts/codes/", {"address": address, "purpose": "close"}).json()
                given = {**asked, "code": last_code()}
            assert api.post("/api/me/close/", given).status_code == 204
            assert is_closed(user)

    def test_anything_else_is_a_clear_error(self, ann: User) -> None:
        api = client_of(ann)
        assert "errors" in api.post("/api/me/close/", {}).json()
        assert "errors" in api.post("/api/me/close/", {"password": PASSWORD, "code": "123456"}).json()
        assert list(api.post("/api/me/close/", {"password": "wrong"}).json()["errors"]) == ["password"]
        asked = api.post("/api/accounts/codes/", {"address": MAIL, "purpose": "close"}).json()
        wrong = asked | {"code": another(last_code())}
        assert_problem(api.post("/api/me/close/", wrong), 400, "invalid_code")
        assert AddressVerification.objects.latest("pk").guesses == 1
        assert not is_closed(ann)
