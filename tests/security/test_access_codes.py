"""Codes open accounts: they are few, short, used once and for one thing, and tell strangers nothing."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings import access_codes, accounts
from bookings.access_codes import Asked, Purpose
from bookings.errors import InvalidCode
from notifications import verification
from notifications.models import AddressVerification, OutboxMessage
from tests.api.problems import assert_problem
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

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> User:
    return customer_who_signed_up(MAIL, password=PASSWORD)


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.default_format = "json"
    return client


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

    def test_no_script_and_no_other_site_reads_or_sends_what_was_asked_for(self, settings: Settings) -> None:
        settings.SESSION_COOKIE_SECURE = True
        kept = Client().post(SIGN_UP, {"address": MAIL}, secure=True).cookies["access_code"]
        assert (kept["httponly"], kept["samesite"], kept["secure"], kept["path"]) == (True, "Lax", True, "/accounts/")

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
    @pytest.mark.parametrize(
        ("first", "code_page"), [(SIGN_UP, SIGN_UP_CODE), (SIGN_IN, SIGN_IN_CODE), (RESET, RESET_CODE)]
    )
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

    def test_is_looked_up_by_an_index(self) -> None:
        """Strangers may ask, so it must not take longer the more customers there are."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            assert "bookings_user_of_email" in User.objects.filter(email__iexact=MAIL).explain()

    @pytest.mark.parametrize("name", [MAIL, "nobody@example.com"])
    def test_a_wrong_password_is_wrong_by_whatever_name(self, ann: User, name: str) -> None:
        page = Client().post("/accounts/login/", {"username": name, "password": "wrong"}).content.decode()
        assert "Wrong name or password." in page


class TestAChangedAddress:
    @pytest.fixture
    def changed(self, ann: User) -> str:
        """She, or a thief with her session, has changed the email address, long after she came."""
        User.objects.filter(pk=ann.pk).update(date_joined=timezone.now() - timedelta(days=30))
        verification.request_changes(ann, email="new@example.com")
        verification.confirm(ann, field="email", code=last_code())
        return "new@example.com"

    def test_opens_nothing_by_a_code_for_a_day(self, ann: User, changed: str, settings: Settings) -> None:
        for first, code_page in ((SIGN_UP, SIGN_UP_CODE), (SIGN_IN, SIGN_IN_CODE), (RESET, RESET_CODE)):
            browser = Client()
            browser.post(first, {"address": changed})
            answer = browser.post(code_page, me(password=NEW), follow=True)
            assert "a short while ago" in answer.content.decode(), first
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
