"""Customers come in by themselves: no account before the code, and no way in for staff."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from pytest_django import Settings

from bookings import access_codes, accounts, own_security
from bookings.access_codes import Purpose
from bookings.errors import AddressRefused, InvalidCode
from bookings.sign_ins import SignIn
from bookings.tokens import find_token, give_token
from notifications import outbox
from notifications.models import AddressVerification, OutboxMessage, Recipient
from tests.factories.bookings import CustomerFactory
from tests.factories.codes import another, customer_who_signed_up, last_code, sent_to
from tests.stage.accounts import (
    MAIL,
    NEW,
    PASSWORD,
    PHONE,
    RESET,
    RESET_CODE,
    SIGN_IN,
    SIGN_IN_CODE,
    SIGN_UP,
    SIGN_UP_CODE,
    is_in,
    me,
)
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> User:
    return customer_who_signed_up(MAIL, password=PASSWORD)


class TestSigningUp:
    @pytest.mark.parametrize(("field", "address"), [("email", MAIL), ("phone", PHONE)])
    def test_a_stranger_enters_an_address_and_its_code_and_is_a_customer(self, field: str, address: str) -> None:
        browser = Client(headers={"Accept-Language": "de"})
        assert browser.post(f"{SIGN_UP}?next=/slots/7/", {"address": address}).headers["Location"] == (
            f"{SIGN_UP_CODE}?next=%2Fslots%2F7%2F"
        )
        assert not User.objects.exists(), "no account before the code"
        channel = RecordingChannel(name="sms" if field == "phone" else "email")
        channel.address_field = field
        if field == "phone":
            drain(channel)
            assert f"Bookings: {last_code()} ist Ihr Code" in channel.sent[0].parts["text"]
        page = browser.get(SIGN_UP_CODE).content.decode()
        assert address.replace("+", "&#x2B;") in page or address in page
        done = browser.post(f"{SIGN_UP_CODE}?next=/slots/7/", me(time_zone="Asia/Tokyo"))

        assert done.headers["Location"] == "/slots/7/"
        user = User.objects.get()
        contact = outbox.contact_of(user)
        assert is_in(browser)
        assert (getattr(contact, field), contact.locale, contact.time_zone) == (address, "de", "Asia/Tokyo")
        assert getattr(Recipient.objects.get(user=user), f"{field}_verified_at") is not None
        assert (user.first_name, user.is_staff, address in user.username) == ("Ann", False, False)
        assert Client().post("/accounts/login/", {"username": address, "password": PASSWORD}).status_code == 302

    def test_neither_asking_nor_guessing_makes_an_account_or_a_session(self) -> None:
        browser = Client()
        for _ in range(3):
            browser.post(SIGN_UP, {"address": MAIL})
            browser.post(SIGN_UP_CODE, me(code=another(last_code())))
        assert (User.objects.count(), Session.objects.count()) == (0, 0)

    @pytest.mark.parametrize("address", ["", "ann", "ann@", "4155550199", "+1", "x" * 300, "a@b\r\nc.example"])
    def test_what_is_no_address_is_said_and_gets_no_code(self, address: str) -> None:
        answer = Client().post(SIGN_UP, {"address": address})
        assert answer.status_code == 200
        assert 'role="alert"' in answer.content.decode()
        assert not OutboxMessage.objects.exists()

    @pytest.mark.parametrize(
        "wrong", [{"code": ""}, {"code": "nope"}, {"name": ""}, {"password": "12345678"}, {"password": MAIL}]
    )
    def test_a_form_that_is_wrong_uses_up_no_code(self, wrong: dict[str, str]) -> None:
        browser = Client()
        browser.post(SIGN_UP, {"address": MAIL})
        answer = browser.post(SIGN_UP_CODE, me(**wrong))
        assert (answer.status_code, User.objects.count()) == (200, 0)
        assert "aria-invalid" in answer.content.decode()
        assert browser.post(SIGN_UP_CODE, me()).status_code == 302

    def test_who_has_an_account_is_signed_in_to_it_and_it_stays_as_it_is(self, ann: User) -> None:
        browser = Client()
        browser.post(SIGN_UP, {"address": MAIL.upper()})
        answer = browser.post(SIGN_UP_CODE, me(name="Somebody", password=NEW), follow=True)
        assert "already had an account" in answer.content.decode()
        ann.refresh_from_db()
        assert (ann.first_name, ann.check_password(PASSWORD), User.objects.count()) == ("Ann", True, 1)
        assert browser.session[SESSION_KEY] == str(ann.pk)

    def test_two_browsers_with_one_address_make_one_account(self) -> None:
        asked = [access_codes.ask(Purpose.SIGN_UP, MAIL) for _ in range(4)]
        code = last_code()

        def enter(number: int) -> bool:
            try:
                return accounts.sign_up(asked[number], code=code, account=accounts.NewAccount("Ann", PASSWORD))[1]
            except InvalidCode:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as side_by_side:
            assert sum(side_by_side.map(enter, [3] * 4)) == 1
        assert User.objects.count() == 1

    def test_a_session_that_somebody_planted_is_not_the_one_after_it(self) -> None:
        browser = Client()
        planted = browser.session
        planted["planted"] = True
        planted.save()
        browser.cookies["sessionid"] = planted.session_key
        browser.post(SIGN_UP, {"address": MAIL})
        browser.post(SIGN_UP_CODE, me())
        assert is_in(browser)
        assert browser.session.session_key != planted.session_key

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_it_leads_nowhere_else(self, elsewhere: str) -> None:
        browser = Client()
        browser.post(SIGN_UP, {"address": MAIL})
        assert browser.post(f"{SIGN_UP_CODE}?next={elsewhere}", me()).headers["Location"] == "/"


class TestSigningInByACode:
    @pytest.mark.parametrize("address", [MAIL, "ANN@Example.com"])
    def test_leads_to_where_one_wanted_to_go(self, ann: User, address: str) -> None:
        browser = Client()
        browser.post(f"{SIGN_IN}?next=/bookings/", {"address": address})
        done = browser.post(f"{SIGN_IN_CODE}?next=/bookings/", {"code": last_code()})
        assert done.headers["Location"] == "/bookings/"
        assert browser.session[SESSION_KEY] == str(ann.pk)
        assert browser.session["_auth_user_backend"] == "config.auth_backends.CustomerBackend"
        assert browser.get("/admin/").status_code == 302
        assert browser.get(SIGN_IN).status_code == 302, "signed in already"

    def test_ends_with_a_wrong_code_and_with_no_account(self, ann: User) -> None:
        browser = Client()
        browser.post(SIGN_IN, {"address": MAIL})
        assert "not valid" in browser.post(SIGN_IN_CODE, {"code": another(last_code())}).content.decode()
        browser.post(SIGN_IN, {"address": "nobody@example.com"})
        answer = browser.post(SIGN_IN_CODE, {"code": last_code()}, follow=True)
        assert "There is no account with this address." in answer.content.decode()
        assert not is_in(browser)
        assert User.objects.count() == 1

    def test_is_refused_to_staff(self) -> None:
        User.objects.create_superuser("boss", "boss@example.com", PASSWORD)
        browser = Client()
        browser.post(SIGN_IN, {"address": "boss@example.com"})
        answer = browser.post(SIGN_IN_CODE, {"code": last_code()}, follow=True)
        assert "There is no account with this address." in answer.content.decode()
        assert not is_in(browser)


class TestStaff:
    @pytest.fixture(autouse=True)
    def boss(self) -> User:
        return User.objects.create_superuser("boss", "boss@example.com", PASSWORD)

    def test_have_no_account_here_to_set_a_password_for(self, boss: User) -> None:
        browser = Client()
        browser.post(RESET, {"address": boss.email})
        answer = browser.post(RESET_CODE, {"code": last_code(), "password": NEW}, follow=True)
        assert "There is no account with this address." in answer.content.decode()
        boss.refresh_from_db()
        assert boss.check_password(PASSWORD)

    def test_make_no_customers_account_with_their_address(self, boss: User) -> None:
        browser = Client()
        browser.post(SIGN_UP, {"address": boss.email})
        answer = browser.post(SIGN_UP_CODE, me(), follow=True)
        assert "used for a new account" in answer.content.decode()
        assert (User.objects.count(), is_in(browser)) == (1, False)

    def test_do_not_sign_in_by_their_address(self, boss: User) -> None:
        assert Client().post("/accounts/login/", {"username": boss.email, "password": PASSWORD}).status_code == 200, (
            "refused as a wrong password is"
        )

    def test_an_account_that_has_become_staff_or_was_deactivated_is_none(self, ann: User) -> None:
        for change in ({"is_staff": True}, {"is_staff": False, "is_active": False}):
            AddressVerification.objects.all().delete()
            User.objects.filter(pk=ann.pk).update(**change)
            asked = access_codes.ask(Purpose.SIGN_UP, MAIL)
            with pytest.raises(AddressRefused):
                accounts.sign_up(asked, code=last_code(), account=accounts.NewAccount("Ann", NEW))

    def test_a_customer_with_the_same_address_is_found_all_the_same(self, ann: User, boss: User) -> None:
        User.objects.filter(pk=boss.pk).update(email=MAIL)
        assert accounts.find("email", MAIL).customer == ann


class TestANewPassword:
    def test_ends_every_session_and_token_and_the_customer_hears_of_it(self, ann: User) -> None:
        outbox.change_contact(ann, phone=PHONE)
        thief, token = Client(), give_token(ann)
        thief.post("/accounts/login/", {"username": MAIL, "password": PASSWORD})
        assert is_in(thief)
        browser = Client()
        browser.post(RESET, {"address": PHONE})
        assert sent_to("phone", PHONE) == ["account.access_code_sms"]
        done = browser.post(RESET_CODE, {"code": f" {last_code()[:3]} {last_code()[3:]}", "password": NEW}, follow=True)

        assert done.redirect_chain == [("/accounts/login/", 302)]
        assert "Your new password is set" in done.content.decode()
        assert thief.get("/accounts/security/").status_code == 302
        assert find_token(token) is None
        assert not own_security.programs_of(ann), "nor are they shown as if they held"
        assert not SignIn.objects.exists()
        assert not is_in(browser), "the new password opens it"
        for password, status in ((PASSWORD, 200), (NEW, 302)):
            assert Client().post("/accounts/login/", {"username": MAIL, "password": password}).status_code == status
        told = OutboxMessage.objects.filter(recipient__user=ann).values_list("kind", flat=True)
        assert sorted(told) == ["account.password_set_email", "account.password_set_sms"]

    def test_lifts_the_lock_after_wrong_ones(self, ann: User, settings: Settings) -> None:
        def tried(password: str) -> int:
            return Client().post("/accounts/login/", {"username": MAIL, "password": password}).status_code

        assert [tried("wrong") for _ in range(settings.AXES_FAILURE_LIMIT)][-1] == 429
        asked = access_codes.ask(Purpose.RESET, MAIL)
        accounts.set_password(asked, code=last_code(), password=NEW)
        assert tried(NEW) == 302

    def test_a_poor_one_is_refused_and_the_code_stays_good(self, ann: User) -> None:
        browser = Client()
        browser.post(RESET, {"address": MAIL})
        assert "too common" in browser.post(RESET_CODE, {"code": last_code(), "password": "12345678"}).content.decode()
        assert browser.post(RESET_CODE, {"code": last_code(), "password": NEW}).status_code == 302


class TestNames:
    def test_a_guess_counts_for_the_account_however_it_is_named(self, ann: User, settings: Settings) -> None:
        """Else each way of writing a number would give some more guesses."""
        outbox.change_contact(ann, phone=PHONE)
        names = (MAIL, MAIL.upper(), PHONE, "+1 415 555 0199", "+1 (415) 555-0199", ann.username)
        for name in names[: settings.AXES_FAILURE_LIMIT]:
            Client().post("/accounts/login/", {"username": name, "password": "wrong"})
        for door in ("/accounts/login/", "/login/"):
            assert Client().post(door, {"username": ann.username, "password": PASSWORD}).status_code == 429

    def test_of_several_customers_an_address_is_the_ones_who_proved_it(self, ann: User) -> None:
        other = CustomerFactory(email=MAIL)
        assert outbox.contact_of(other).email == MAIL
        User.objects.filter(pk=ann.pk).update(email="")
        assert accounts.find("email", MAIL).customer == ann

    def test_a_customer_whom_staff_entered_is_found_before_the_outbox_knows_them(self) -> None:
        entered = User.objects.create_user("zoe", "zoe@example.com")
        assert accounts.find("email", "ZOE@example.com").customer == entered
        outbox.change_contact(entered, email="new@example.com")
        assert accounts.find("email", "zoe@example.com").customer is None, "it is theirs no more"
