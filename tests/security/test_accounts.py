"""Customers come in by themselves: no account before the code, no word about who has one, no way in for staff."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings import access_codes, accounts, own_security
from bookings.access_codes import Asked, Purpose
from bookings.errors import AddressRefused, InvalidCode
from bookings.sign_ins import SignIn
from bookings.tokens import find_token, give_token
from notifications import outbox, verification
from notifications.models import AddressVerification, OutboxMessage, Recipient
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory
from tests.factories.codes import another, last_code, sent_to
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

SIGN_UP, SIGN_UP_CODE = "/accounts/signup/", "/accounts/signup/code/"
RESET, RESET_CODE = "/accounts/password/reset/", "/accounts/password/reset/code/"
MAIL, PHONE = "ann@example.com", "+14155550199"
PASSWORD, NEW = "a long pass phrase", "another pass phrase"


def me(**more: str) -> dict[str, str]:
    return {"code": last_code(), "name": "Ann", "password": PASSWORD} | more


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


@pytest.fixture
def ann() -> Any:
    """A customer with an account, who proved her email address."""
    asked = access_codes.ask(Purpose.SIGN_UP, MAIL)
    user, _ = accounts.sign_up(asked, code=last_code(), account=accounts.NewAccount("Ann", PASSWORD))
    return user


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.default_format = "json"
    return client


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


class TestCodes:
    def test_guesses_are_few(self, settings: Settings) -> None:
        browser = Client()
        browser.post(SIGN_UP, {"address": MAIL})
        for _ in range(settings.OUTBOX_CODE_GUESSES):
            assert "not valid" in browser.post(SIGN_UP_CODE, me(code=another(last_code()))).content.decode()
        assert AddressVerification.objects.get().guesses == settings.OUTBOX_CODE_GUESSES
        assert "not valid" in browser.post(SIGN_UP_CODE, me()).content.decode(), "the right one, too late"
        assert not User.objects.exists()

    def test_an_access_code_ends_after_minutes_and_with_the_next_one(self) -> None:
        browser = Client()
        browser.post(SIGN_UP, {"address": MAIL})
        first = last_code()
        AddressVerification.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert "not valid" in browser.post(SIGN_UP_CODE, me(code=first)).content.decode()
        browser.post(SIGN_UP, {"address": MAIL})
        second = last_code()
        browser.post(SIGN_UP, {"address": MAIL})
        assert "not valid" in browser.post(SIGN_UP_CODE, me(code=second)).content.decode()
        assert browser.post(SIGN_UP_CODE, me()).status_code == 302

    def test_a_code_is_used_once(self, ann: User) -> None:
        asked = access_codes.ask(Purpose.RESET, MAIL)
        code = last_code()
        accounts.set_password(asked, code=code, password=NEW)
        with pytest.raises(InvalidCode):
            accounts.set_password(asked, code=code, password=PASSWORD)
        ann.refresh_from_db()
        assert ann.check_password(NEW)

    def test_a_code_is_for_its_address_and_purpose_alone(self, ann: User) -> None:
        mine = access_codes.ask(Purpose.RESET, "mallory@example.com")
        own_code = last_code()
        hers = access_codes.ask(Purpose.SIGN_UP, MAIL)
        with pytest.raises(InvalidCode):
            accounts.set_password(mine, code=last_code(), password=NEW)
        with pytest.raises(InvalidCode):
            accounts.sign_up(hers, code=own_code, account=accounts.NewAccount("M", PASSWORD))
        with pytest.raises(InvalidCode):
            Asked.of(hers.signed(), purpose=Purpose.RESET)

    def test_nobody_says_themselves_what_they_asked_for(self, api: APIClient, ann: User) -> None:
        asked = access_codes.ask(Purpose.RESET, "mallory@example.com")
        text, _, signature = asked.signed().partition(":")
        hers = Asked(asked.purpose, MAIL, asked.code_id).signed().partition(":")
        for forged in ("", "x", f"{hers[0]}:{signature}", f"{text}:{hers[2][:-1]}", "a" * 2000):
            given = {"request": forged, "code": last_code(), "password": NEW}
            assert api.post("/api/accounts/password/reset/", given).status_code == 400
        browser = Client()
        browser.cookies["access_code"] = f"{hers[0]}:{signature}"
        assert browser.get(RESET_CODE).headers["Location"] == RESET

    def test_a_code_for_a_change_of_address_opens_nothing_here(self, ann: User) -> None:
        """It went to an address that a signed-in customer entered; only that account may use it."""
        asked = access_codes.ask(Purpose.SIGN_UP, PHONE)
        verification.request_changes(ann, phone=PHONE)
        change = AddressVerification.objects.latest("pk")
        with pytest.raises(InvalidCode):
            accounts.sign_up(
                Asked(asked.purpose, PHONE, change.pk), code=last_code(), account=accounts.NewAccount("M", PASSWORD)
            )

    def test_nobody_is_flooded_and_known_addresses_are_limited_as_unknown_ones(
        self, ann: User, api: APIClient, settings: Settings
    ) -> None:
        AddressVerification.objects.all().delete()
        for address in (MAIL, "nobody@example.com"):
            wish = {"address": address, "purpose": "reset"}
            *sent, refused = (api.post("/api/accounts/codes/", wish) for _ in range(settings.OUTBOX_CODES_PER_HOUR + 1))
            assert {answer.status_code for answer in sent} == {202}
            assert_problem(refused, 429, "too_many_codes")
            assert 3500 < int(refused["Retry-After"]) <= 3601
            assert Client().post(RESET, {"address": address}).status_code == 429

    def test_a_country_that_is_not_written_to_gets_none(self, settings: Settings) -> None:
        settings.OUTBOX_ALLOWED_COUNTRIES = ["DE"]
        assert "of this country" in Client().post(SIGN_UP, {"address": PHONE}).content.decode()
        assert not OutboxMessage.objects.exists()

    def test_a_number_that_said_stop_gets_none(self) -> None:
        from notifications.recipients import inbound  # noqa: PLC0415

        inbound.receive(phone=PHONE, channel="sms", text="STOP")
        Client().post(SIGN_UP, {"address": PHONE})
        assert [(each.status, each.error_code) for each in OutboxMessage.objects.all()] == [("cancelled", "opted_out")]


class TestWhoHasAnAccount:
    @pytest.mark.parametrize(("first", "code_page"), [(SIGN_UP, SIGN_UP_CODE), (RESET, RESET_CODE)])
    def test_is_told_by_no_answer_before_the_code(self, ann: User, first: str, code_page: str) -> None:
        User.objects.create_superuser("boss", "boss@example.com", PASSWORD)
        said = set()
        for number, address in enumerate((MAIL, "boss@example.com", "nobody@example.com")):
            browser = Client(REMOTE_ADDR=f"192.0.2.{number}")
            answers = [browser.post(first, {"address": address}, follow=True)]
            wrong = another(last_code())
            answers += [browser.post(code_page, me(code=wrong)) for _ in range(6)]
            pages = [
                "\n".join(line for line in answer.content.decode().splitlines() if "csrfmiddlewaretoken" not in line)
                for answer in answers
            ]
            said.add(
                (
                    *(answer.status_code for answer in answers),
                    *(page.replace(address, "…").replace(wrong, "…") for page in pages),
                )
            )
            assert sent_to("email", address)[-1] == "account.access_code_email", "each gets the same message"
        assert len(said) == 1

    def test_costs_as_many_statements_as_who_has_none(self, ann: User) -> None:
        from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

        counts = []
        access_codes.ask(Purpose.RESET, "nobody@example.com")  # both were written to before
        for address in (MAIL, "nobody@example.com"):
            with CaptureQueriesContext(connection) as asked:
                access_codes.ask(Purpose.RESET, address)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("name", [MAIL, "nobody@example.com"])
    def test_a_wrong_password_is_wrong_by_whatever_name(self, ann: User, name: str) -> None:
        page = Client().post("/accounts/login/", {"username": name, "password": "wrong"}).content.decode()
        assert "Wrong name or password." in page


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


class TestAChangedAddress:
    @pytest.fixture
    def changed(self, ann: User) -> str:
        """She, or a thief with her session, has changed the email address, long after she came."""
        User.objects.filter(pk=ann.pk).update(date_joined=timezone.now() - timedelta(days=30))
        verification.request_changes(ann, email="new@example.com")
        verification.confirm(ann, field="email", code=last_code())
        return "new@example.com"

    def test_opens_nothing_by_a_code_for_a_day(self, ann: User, changed: str, settings: Settings) -> None:
        for purpose, path in ((Purpose.RESET, RESET_CODE), (Purpose.SIGN_UP, SIGN_UP_CODE)):
            browser = Client()
            browser.post(path.removesuffix("code/"), {"address": changed})
            answer = browser.post(path, me(password=NEW), follow=True)
            assert "a short while ago" in answer.content.decode(), purpose
            assert not is_in(browser)
        ann.refresh_from_db()
        assert ann.check_password(PASSWORD)
        assert Client().post("/accounts/login/", {"username": changed, "password": PASSWORD}).status_code == 302
        assert not accounts.find("email", changed, now=timezone.now() + timedelta(hours=25)).is_too_new
        settings.CUSTOMER_ADDRESS_HOURS = 0
        assert not accounts.find("email", changed).is_too_new

    def test_is_told_to_the_old_one_which_opens_nothing_any_more(self, ann: User, changed: str) -> None:
        assert sent_to("email", MAIL)[-1] == "account.email_replaced"
        assert accounts.find("email", MAIL).customer is None


class TestTheApi:
    def ask(self, api: APIClient, address: str, purpose: str) -> str:
        answer = api.post("/api/accounts/codes/", {"address": address, "purpose": purpose})
        assert (answer.status_code, list(answer.json())) == (202, ["request"])
        return str(answer.json()["request"])

    def test_signs_up_signs_in_and_sets_a_new_password(self, api: APIClient) -> None:
        account = me_by_api = {"name": "Ann", "password": PASSWORD, "locale": "de", "time_zone": "Europe/Berlin"}
        made = {"request": self.ask(api, PHONE, "signup"), "code": last_code()} | me_by_api
        answer = api.post("/api/accounts/signup/", made)
        assert answer.status_code == 201
        own = APIClient(headers={"Authorization": f"Token {answer.json()['token']}"}).get("/api/me/").json()
        assert (own["phone"], own["locale"], own["time_zone"]) == (PHONE, "de", "Europe/Berlin")
        assert_problem(api.post("/api/accounts/signup/", made), 400, "invalid_code")

        again = {"request": self.ask(api, PHONE, "signup"), "code": last_code()} | account
        assert api.post("/api/accounts/signup/", again).status_code == 200, "it was there"
        login = {"username": "+1 415-555-0199", "password": PASSWORD}
        assert api.post("/api/auth/token/", login).status_code == 200

        reset = {"request": self.ask(api, PHONE, "reset"), "code": last_code(), "password": NEW}
        assert api.post("/api/accounts/password/reset/", reset).status_code == 204
        assert (
            APIClient(headers={"Authorization": f"Token {answer.json()['token']}"}).get("/api/me/").status_code == 401
        )
        assert api.post("/api/auth/token/", login | {"password": NEW}).status_code == 200

    def test_says_what_is_wrong(self, api: APIClient) -> None:
        bad = api.post("/api/accounts/codes/", {"address": "ann", "purpose": "fun", "locale": "klingon!"})
        assert sorted(bad.json()["errors"]) == ["locale", "purpose"]
        bad = api.post("/api/accounts/codes/", {"address": "ann", "purpose": "signup"})
        assert list(bad.json()["errors"]) == ["address"]
        request = self.ask(api, MAIL, "reset")
        given = {"request": request, "code": last_code(), "password": "12345678"}
        assert list(api.post("/api/accounts/password/reset/", given).json()["errors"]) == ["password"]
        assert_problem(api.post("/api/accounts/password/reset/", given | {"password": NEW}), 404, "no_account")
