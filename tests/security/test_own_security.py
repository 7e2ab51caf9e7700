"""Customers change their password, and see and end what somebody else may hold: sessions and tokens."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings import last_seen, own_security
from bookings.sign_ins import SignIn
from bookings.tokens import AccessToken, find_token, give_token
from bookings.user_agents import in_words
from config.pruning import prune_logins
from notifications.models import OutboxMessage

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, PASSWORD, NEW = "/accounts/security/", "a long pass phrase", "another pass phrase"


@pytest.fixture(autouse=True)
def ann() -> User:
    cache.clear()
    return User.objects.create_user("ann", "ann@example.com", PASSWORD)


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)
CHROME = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36"


def program(user: User) -> APIClient:
    """A program of `user`, with a token of its own."""
    client = APIClient(headers={"Authorization": f"Token {give_token(user)}", "User-Agent": "curl/8.14"})
    client.default_format = "json"
    return client


def signed_in(password: str = PASSWORD, browser: str = FIREFOX) -> Client:
    client = Client(headers={"User-Agent": browser})
    client.post("/login/", {"username": "ann", "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


CHANGE = {"change-password": PASSWORD, "change-new_password": NEW}
EVERYWHERE = {"everywhere": "1", "everywhere-password": PASSWORD}


@pytest.mark.parametrize(("form", "password"), [(CHANGE, NEW), (EVERYWHERE, PASSWORD)])
def test_a_thief_is_out_everywhere_and_the_customer_stays_in(ann: User, form: dict[str, str], password: str) -> None:
    thief, own, token = signed_in(), signed_in(), give_token(ann)
    assert is_in(thief)
    assert own.post(PAGE, form).status_code == 302
    assert (is_in(thief), is_in(own), find_token(token)) == (False, True, None)
    assert not AccessToken.objects.exists()
    assert is_in(signed_in(password))
    assert is_in(signed_in(PASSWORD)) == (password == PASSWORD)


@pytest.mark.parametrize(("form", "told"), [(CHANGE, ["account.password_set_email"]), (EVERYWHERE, [])])
def test_the_customer_hears_of_a_new_password_and_of_no_other(form: dict[str, str], told: list[str]) -> None:
    assert signed_in().post(PAGE, form).status_code == 302
    assert list(OutboxMessage.objects.values_list("kind", flat=True)) == told


@pytest.mark.parametrize(
    "form",
    [
        CHANGE | {"change-password": "wrong"},
        CHANGE | {"change-new_password": "12345678"},
        CHANGE | {"change-new_password": ""},
        EVERYWHERE | {"everywhere-password": "wrong"},
        {"everywhere": "1"},
    ],
)
def test_an_open_session_is_not_enough_nor_is_a_poor_password(ann: User, form: dict[str, str]) -> None:
    other, token = signed_in(), give_token(ann)
    page = signed_in().post(PAGE, form)
    assert (page.status_code, 'role="alert"' in page.content.decode()) == (200, True)
    assert is_in(other)
    assert find_token(token)


def test_passwords_guessed_on_the_page_lock_as_at_the_login(ann: User) -> None:
    client = signed_in()
    statuses = [client.post(PAGE, EVERYWHERE | {"everywhere-password": "wrong"}).status_code for _ in range(6)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_customers_see_and_end_their_own_tokens_and_nobody_elses(ann: User) -> None:
    kept, ended = give_token(ann), give_token(ann)
    others = give_token(User.objects.create_user("bob"))
    client = signed_in()
    ids: Any = {find.pk for token in (kept, ended) if (find := find_token(token))}
    page = client.get(PAGE).content.decode()
    assert all(f"/tokens/{pk}/end/" in page for pk in ids)
    foreign, own = find_token(others), find_token(ended)
    assert foreign
    assert own
    assert f"/tokens/{foreign.pk}/end/" not in page
    assert client.post(f"{PAGE}tokens/{foreign.pk}/end/").status_code == 404
    assert client.get(f"{PAGE}tokens/{own.pk}/end/").headers["Location"] == PAGE
    assert client.post(f"{PAGE}tokens/{own.pk}/end/").status_code == 302
    assert [bool(find_token(token)) for token in (kept, ended, others)] == [True, False, True]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (CHROME, "Chrome on Android"),
        (f"{CHROME} Edg/137.0.0.0", "Edge on Android"),
        ("curl/8.14", "curl"),
        ("<script>alert(1)</script>", "Unknown program"),
        ("", "Unknown program"),
    ],
)
def test_a_browser_is_named_in_our_words_alone(said: str, words: str) -> None:
    assert in_words(said) == words


def test_a_browser_is_seen_and_ended_at_once() -> None:
    thief, own = signed_in(browser=CHROME), signed_in()
    page = own.get(PAGE).content.decode()
    assert (page.count("Chrome on Android</strong>"), page.count("Firefox on Windows</strong>")) == (1, 1)
    assert "(this browser)" in page
    theirs = SignIn.objects.get(device="Chrome on Android")
    assert own.get(f"{PAGE}browsers/{theirs.pk}/end/").headers["Location"] == PAGE
    assert own.post(f"{PAGE}browsers/{theirs.pk}/end/").status_code == 302
    assert (is_in(thief), is_in(own)) == (False, True)
    assert "Chrome on Android" not in own.get(PAGE).content.decode()
    assert own.post(f"{PAGE}browsers/{theirs.pk}/end/").status_code == 404


def test_nobody_ends_somebody_elses_browser(ann: User) -> None:
    own = signed_in()
    bob = User.objects.create_user("bob", password=PASSWORD)
    browser = Client()
    browser.post("/login/", {"username": "bob", "password": PASSWORD})
    pk = SignIn.objects.get(user=ann).pk
    assert browser.post(f"{PAGE}browsers/{pk}/end/").status_code == 404
    assert program(bob).delete(f"/api/me/browsers/{pk}/").status_code == 404
    assert is_in(own)


def test_a_request_that_was_under_way_revives_no_ended_session(ann: User) -> None:
    client = signed_in()
    under_way = client.session
    assert under_way["_auth_user_id"] == str(ann.pk), "it is read"
    SignIn.objects.filter(user=ann).end()
    under_way["still"] = "here"
    with pytest.raises(UpdateError):
        under_way.save()
    assert not is_in(client)


def test_when_somebody_was_last_seen_is_written_every_few_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(last_seen, "monotonic", lambda: moment)
    client = signed_in()
    is_in(client)
    before = SignIn.objects.get().seen_at
    is_in(client)
    assert SignIn.objects.get().seen_at == before
    moment += last_seen.EVERY_SECONDS
    is_in(client)
    assert SignIn.objects.get().seen_at > before


def test_who_has_signed_out_is_forgotten() -> None:
    client = signed_in()
    client.post("/logout/")
    SignIn.objects.update(seen_at="2020-01-01T00:00Z")
    kept = signed_in()
    prune_logins()
    assert SignIn.objects.count() == 1
    assert is_in(kept)


class TestTheApi:
    def test_programs_and_browsers_are_listed_and_ended(self, ann: User) -> None:
        browser, other, api = signed_in(), give_token(ann), program(ann)
        here = api.get("/api/me/security/").json()
        assert [each["device"] for each in here["browsers"]] == ["Firefox on Windows"]
        assert [each["is_current"] for each in here["programs"]] == [True, False]
        assert api.delete(f"/api/me/programs/{here['programs'][1]['id']}/").status_code == 204
        assert api.delete(f"/api/me/programs/{here['programs'][1]['id']}/").status_code == 404
        assert api.delete(f"/api/me/browsers/{here['browsers'][0]['id']}/").status_code == 204
        assert (find_token(other), is_in(browser)) == (None, False)
        again = api.get("/api/me/security/").json()
        assert (len(again["browsers"]), len(again["programs"])) == (0, 1)
        assert again["programs"][0]["device"] == "curl"
        assert again["programs"][0]["seen_at"]

    def test_a_new_password_ends_everything_and_the_program_goes_on_with_a_new_token(self, ann: User) -> None:
        browser, other, api = signed_in(), give_token(ann), program(ann)
        answer = api.post("/api/me/password/", {"password": PASSWORD, "new_password": NEW})
        assert answer.status_code == 200
        assert (is_in(browser), find_token(other)) == (False, None)
        assert api.get("/api/me/").status_code == 401
        token = answer.json()["token"]
        assert Client().get("/api/me/", headers={"Authorization": f"Token {token}"}).status_code == 200
        assert is_in(signed_in(NEW))

    def test_a_session_that_changes_the_password_stays_and_gets_no_token(self) -> None:
        browser = signed_in()
        form = {"password": PASSWORD, "new_password": NEW}
        answer = browser.post("/api/me/password/", form, content_type="application/json")
        assert (answer.status_code, answer.content) == (204, b"")
        assert is_in(browser)
        assert len(browser.get("/api/me/security/").json()["browsers"]) == 1

    def test_a_wrong_or_a_poor_password_changes_nothing_and_guesses_lock(self, ann: User) -> None:
        api = program(ann)
        poor = api.post("/api/me/password/", {"password": PASSWORD, "new_password": "12345678"})
        assert (poor.status_code, list(poor.json()["errors"])) == (400, ["new_password"])
        guesses = [
            api.post("/api/me/password/", {"password": "wrong", "new_password": NEW}).status_code for _ in range(6)
        ]
        assert (guesses[0], guesses[-1]) == (400, 429)
        assert api.get("/api/me/").status_code == 200


def test_a_stronger_hash_of_the_same_password_ends_nothing(ann: User, settings: Settings) -> None:
    """Django asks for more iterations with each release, and stores a password anew at its next login."""
    browser, token, stale = signed_in(), give_token(ann), give_token(ann)
    AccessToken.objects.filter(pk=find_token(stale).pk).update(password_stamp="of an earlier password")  # type: ignore[union-attr]
    settings.PASSWORD_HASHERS = ["config.password_hashing.PasswordHasher", *settings.PASSWORD_HASHERS]
    another = signed_in()
    ann.refresh_from_db()

    assert ann.password.startswith("pbkdf2_sha256$")
    assert is_in(browser)
    assert is_in(another)
    assert find_token(token) is not None
    assert find_token(stale) is None
    own_security.strengthen_password(User(pk=ann.pk, password="read before somebody set another"), "x")
    ann.refresh_from_db()
    assert ann.password.startswith("pbkdf2_sha256$")
    assert is_in(signed_in(browser=IPHONE)), "and the login goes on working"
