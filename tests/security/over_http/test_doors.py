"""Names, passwords, tokens and codes, at every door."""

import json
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from bookings.tokens import give_token
from notifications import outbox
from tests.stage.browser import PASSWORD, Browser, account

pytestmark = pytest.mark.django_db(transaction=True)

A, N = "\uff41", "\uff4e"  # a and n, as wide as Chinese letters


@pytest.mark.parametrize(
    "name", ["ann\x00", "ann\u200b", "a\ud7ffnn", "ann" * 5000, "'; DROP TABLE auth_user; --", "%s"]
)
@pytest.mark.parametrize("door", ["/login/", "/admin/login/", "/api/auth/token/"])
def test_a_name_that_nobody_has_is_refused_like_any_other(browser: Browser, ann: User, name: str, door: str) -> None:
    browser.ask("GET", "/login/")
    given = {"username": name, "password": PASSWORD}
    body: dict[str, Any] = {"json": given} if door.startswith("/api/") else {"data": given}
    answer = browser.ask("POST", door, **body)

    assert answer.status_code in {200, 400}
    assert "__Host-sessionid" not in answer.cookies


@pytest.mark.parametrize("door", ["/login/", "/api/auth/token/"])
def test_another_spelling_of_a_name_gives_no_further_guesses(browser: Browser, ann: User, door: str) -> None:
    """The page takes fullwidth letters for plain ones."""
    browser.ask("GET", "/login/")
    statuses = []
    for name in ("ann", f"{A}nn", f"a{N}n", f"an{N}", f"{A}{N}n", f"{A}{N}{N}", "ann"):
        given = {"username": name, "password": "wrong"}
        body: dict[str, Any] = {"json": given} if door.startswith("/api/") else {"data": given}
        statuses.append(browser.ask("POST", door, **body).status_code)

    if door == "/login/":
        assert statuses[-1] == 429, statuses
    else:
        assert set(statuses) == {400}, "there each is another name, which nobody has"


def test_what_has_ended_does_not_come_back(signed_in: Browser, web: str, ann: User) -> None:
    """A session's cookie after signing out, and a token after a new password."""
    ann.refresh_from_db()  # the login has hashed the password anew
    kept, token = dict(signed_in.cookies), give_token(ann)
    assert signed_in.ask("POST", "/logout/").status_code == 302
    thief = Browser(web)
    thief.cookies = kept
    assert thief.ask("GET", "/bookings/").status_code == 302
    program = {"Authorization": f"Token {token}"}
    form = {"password": PASSWORD, "new_password": "another pass phrase"}
    changed = requests.post(f"{web}/api/me/password/", json=form, headers=program, timeout=60)
    assert changed.status_code == 200
    assert requests.get(f"{web}/api/me/", headers=program, timeout=60).status_code == 401


def test_a_token_is_taken_from_its_header_alone(web: str, ann: User) -> None:
    token = give_token(ann)
    for path in (f"/api/me/?token={token}", f"/api/me/?Authorization=Token+{token}"):
        assert requests.get(web + path, timeout=60).status_code == 401
    for said in (f"Bearer {token}", f"Token {token} {token}", "Token é", "Token"):
        answer = requests.get(f"{web}/api/me/", headers={"Authorization": said.encode()}, timeout=60)  # type: ignore[dict-item]
        assert answer.status_code == 401, said


def test_codes_are_guessed_a_few_times_at_most(api: Any) -> None:
    assert api("PATCH", "/api/me/", json={"phone": "+14155550199"}).status_code == 200
    statuses = [
        api("POST", "/api/me/confirm/", json={"field": "phone", "code": f"{number:06}"}).status_code
        for number in range(12)
    ]

    assert set(statuses) <= {400, 429}
    assert outbox.contact_of(User.objects.get()).phone != "+14155550199"


def test_whether_somebody_has_an_account_shows_in_no_answer(browser: Browser, ann: User) -> None:
    account("staff", is_staff=True)
    account("gone", is_active=False)
    answers = {
        browser.ask("POST", "/api/auth/token/", json={"username": name, "password": password}).text
        for name, password in (("ann", "wrong"), ("nobody", "wrong"), ("staff", PASSWORD), ("gone", PASSWORD))
    }

    assert len(answers) == 1, answers
    assert json.loads(answers.pop())["code"] == "invalid_input"


@pytest.mark.parametrize("door", ["/accounts/login/", "/api/auth/token/"])
def test_what_counts_does_not_say_whether_an_address_has_an_account(browser: Browser, ann: User, door: str) -> None:
    """However it is spelt: else the spellings of an address that is nobody's would each have their own tries."""
    answers = []
    for name in ("ann", "nobody"):
        browser.ask("GET", "/accounts/login/")
        spellings = [
            f"{name}@example.com",
            f"{name.upper()}@example.com",
            f"{name}@EXAMPLE.com",
            f"{name.title()}@example.com",
        ]
        for spelling in spellings * 2:
            given = {"username": spelling, "password": "wrong"}
            body: dict[str, Any] = {"json": given} if door.startswith("/api/") else {"data": given}
            answers.append(browser.ask("POST", door, **body).status_code)

    assert answers[:8] == answers[8:], answers
    assert answers[-1] == 429
