"""A program signs a customer up, signs in by a code, and sets a new password."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.api.problems import assert_problem
from tests.factories.codes import another, customer_who_signed_up, last_code

pytestmark = pytest.mark.django_db(transaction=True)

MAIL, PHONE = "ann@example.com", "+14155550199"
PASSWORD, NEW = "a long pass phrase", "another pass phrase"


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.default_format = "json"
    return client


def ask(api: APIClient, address: str, purpose: str) -> str:
    answer = api.post("/api/accounts/codes/", {"address": address, "purpose": purpose})
    assert (answer.status_code, list(answer.json())) == (202, ["request"])
    return str(answer.json()["request"])


def test_a_program_signs_up_signs_in_and_sets_a_new_password(api: APIClient) -> None:
    account = {"name": "Ann", "password": PASSWORD, "locale": "de", "time_zone": "Europe/Berlin"}
    made = {"request": ask(api, PHONE, "signup"), "code": last_code()} | account
    answer = api.post("/api/accounts/signup/", made)
    assert answer.status_code == 201
    own = APIClient(headers={"Authorization": f"Token {answer.json()['token']}"}).get("/api/me/").json()
    assert (own["phone"], own["locale"], own["time_zone"]) == (PHONE, "de", "Europe/Berlin")
    assert_problem(api.post("/api/accounts/signup/", made), 400, "invalid_code")

    again = {"request": ask(api, PHONE, "signup"), "code": last_code()} | account
    assert api.post("/api/accounts/signup/", again).status_code == 200, "it was there"
    login = {"username": "+1 415-555-0199", "password": PASSWORD}
    assert api.post("/api/auth/token/", login).status_code == 200

    by_code = {"request": ask(api, PHONE, "signin"), "code": last_code()}
    assert api.post("/api/auth/code/", by_code).status_code == 200
    assert_problem(api.post("/api/auth/code/", by_code), 400, "invalid_code")

    reset = {"request": ask(api, PHONE, "reset"), "code": last_code(), "password": NEW}
    assert api.post("/api/accounts/password/reset/", reset).status_code == 204
    assert APIClient(headers={"Authorization": f"Token {answer.json()['token']}"}).get("/api/me/").status_code == 401
    assert api.post("/api/auth/token/", login | {"password": NEW}).status_code == 200


def test_the_api_says_what_is_wrong(api: APIClient) -> None:
    bad = api.post("/api/accounts/codes/", {"address": "ann", "purpose": "fun", "locale": "klingon!"})
    assert sorted(bad.json()["errors"]) == ["locale", "purpose"]
    bad = api.post("/api/accounts/codes/", {"address": "ann", "purpose": "signup"})
    assert list(bad.json()["errors"]) == ["address"]
    request = ask(api, MAIL, "reset")
    given = {"request": request, "code": last_code(), "password": "12345678"}
    assert list(api.post("/api/accounts/password/reset/", given).json()["errors"]) == ["password"]
    assert_problem(api.post("/api/accounts/password/reset/", given | {"password": NEW}), 404, "no_account")


def test_coming_in_by_the_api_makes_no_session(api: APIClient) -> None:
    """So that no other site can have a browser do it: these views ask for no CSRF token."""
    account = {"name": "Ann", "password": PASSWORD}
    made = api.post("/api/accounts/signup/", {"request": ask(api, MAIL, "signup"), "code": last_code()} | account)
    by_code = api.post("/api/auth/code/", {"request": ask(api, MAIL, "signin"), "code": last_code()})
    assert (made.status_code, by_code.status_code) == (201, 200)
    assert (made.cookies, by_code.cookies) == ({}, {})


def proof(api: APIClient, address: str) -> str:
    answer = api.post("/api/accounts/guest/proofs/", {"request": ask(api, address, "guest"), "code": last_code()})
    assert (answer.status_code, list(answer.json())) == (200, ["proof"])
    return str(answer.json()["proof"])


def come_in(api: APIClient, *addresses: str) -> tuple[bool, dict[str, Any]]:
    """Whether a guest came in, and who."""
    given = {"proofs": [proof(api, each) for each in addresses], "name": "Gus", "locale": "de"}
    answer = api.post("/api/accounts/guest/", given)
    assert (answer.status_code, answer.cookies) == (200, {})
    own = APIClient(headers={"Authorization": f"Token {answer.json()['token']}"}).get("/api/me/").json()
    return answer.json()["is_guest"], own


def test_a_guest_comes_in_by_the_api_without_a_password(api: APIClient) -> None:
    is_guest, own = come_in(api, MAIL, PHONE)
    assert (is_guest, own["name"], own["email"], own["phone"], own["locale"]) == (True, "Gus", MAIL, PHONE, "de")
    again, same = come_in(api, MAIL)
    assert (again, same["username"]) == (True, own["username"])
    by_phone, other = come_in(api, PHONE)
    assert (by_phone, other["email"]) == (True, ""), "a phone number alone takes over no guest who has an email address"
    assert other["username"] != own["username"]


def test_an_address_with_an_account_brings_its_owner_in_as_a_customer(api: APIClient) -> None:
    ann = customer_who_signed_up(MAIL, password=PASSWORD)
    is_guest, own = come_in(api, MAIL)
    assert (is_guest, own["username"], own["name"]) == (False, ann.username, "Ann")


def test_the_api_says_what_is_wrong_with_a_guest(api: APIClient) -> None:
    request, proofs = ask(api, MAIL, "guest"), "/api/accounts/guest/proofs/"
    assert_problem(api.post(proofs, {"request": request, "code": another(last_code())}), 400, "invalid_code")
    entered = {"request": request, "code": last_code()}
    assert api.post(proofs, entered).status_code == 200
    assert_problem(api.post(proofs, entered), 400, "invalid_code")
    of_sign_in = {"request": ask(api, MAIL, "signin"), "code": last_code()}
    assert_problem(api.post(proofs, of_sign_in), 400, "invalid_code")
    mine, two = {"name": "Gus"}, [proof(api, MAIL), proof(api, "bob@example.com")]
    for wrong in ({"proofs": []}, {"proofs": two}, {"proofs": [*two, two[0]]}, {"proofs": "x"}, {}):
        assert list(api.post("/api/accounts/guest/", mine | wrong).json()["errors"]) == ["proofs"]
    assert_problem(api.post("/api/accounts/guest/", mine | {"proofs": [request]}), 400, "invalid_code")
    assert_problem(api.post("/api/accounts/guest/", mine | {"proofs": [f"{two[0]}x"]}), 400, "invalid_code")
    User.objects.create_user("boss", "boss@example.com", is_staff=True)
    staffs = {"proofs": [proof(api, "boss@example.com")]}
    assert_problem(api.post("/api/accounts/guest/", mine | staffs), 409, "address_refused")
    assert [user.username for user in User.objects.all()] == ["boss"]
