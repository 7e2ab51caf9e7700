"""A token lets one program in for a while, and nobody who has a copy of the database."""

from datetime import timedelta

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings.tokens import MOST_TOKENS, AccessToken, find_token, give_token
from tests.api.problems import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long pass phrase"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.com", PASSWORD)


def asked(token: str) -> int:
    return APIClient().get("/api/me/", HTTP_AUTHORIZATION=f"Token {token}").status_code


def test_what_the_database_and_the_admin_know_of_a_token_opens_nothing(ann: User) -> None:
    token = (
        APIClient().post("/api/auth/token/", {"username": "ann", "password": PASSWORD}, format="json").json()["token"]
    )
    assert asked(token) == 200

    kept = AccessToken.objects.values().get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(kept)::text FROM bookings_accesstoken kept")
        assert token not in cursor.fetchone()[0]
    assert [asked(str(value)) for value in kept.values()] == [401] * len(kept)
    staff = Client()
    staff.force_login(User.objects.create_superuser("boss"))
    for page in ("/admin/bookings/accesstoken/", f"/admin/bookings/accesstoken/{kept['id']}/change/"):
        shown = staff.get(page)
        assert shown.status_code == 200
        assert not any(secret in shown.content.decode() for secret in (token, kept["digest"], kept["password_stamp"]))


def test_a_token_cannot_be_guessed() -> None:
    given = {give_token(User.objects.create_user(f"user{number}")) for number in range(20)}

    assert len(given) == 20
    assert min(map(len, given)) >= 43, "256 bits"


def test_a_token_ends_after_its_time(ann: User) -> None:
    token, now = give_token(ann), timezone.now()
    lasts = timedelta(days=project.API_TOKEN_DAYS)

    assert find_token(token, now=now + lasts - timedelta(minutes=1)) is not None
    assert find_token(token, now=now + lasts + timedelta(minutes=1)) is None
    AccessToken.objects.update(expires_at=now)
    assert asked(token) == 401


def test_a_new_secret_key_ends_no_token_while_the_old_one_is_a_fallback(ann: User, settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    token = give_token(ann)
    settings.SECRET_KEY = "new"
    assert asked(token) == 401
    settings.SECRET_KEY_FALLBACKS = ["old"]
    assert asked(token) == 200

    ann.set_password("another pass phrase")
    ann.save()
    assert asked(token) == 401


def test_a_new_password_ends_every_token(ann: User) -> None:
    tokens = [give_token(ann) for _ in range(2)]
    assert [asked(token) for token in tokens] == [200, 200]

    ann.set_password("another pass phrase")
    ann.save()

    assert [asked(token) for token in tokens] == [401, 401]


def test_who_is_locked_out_is_locked_out_at_once(ann: User) -> None:
    token = give_token(ann)
    User.objects.update(is_active=False)

    assert asked(token) == 401


def test_staff_end_a_token(ann: User) -> None:
    token, other = give_token(ann), give_token(ann)
    staff = Client()
    staff.force_login(User.objects.create_superuser("boss"))

    first = AccessToken.objects.earliest("pk").pk
    chosen = {"action": "end_selected", "_selected_action": [first], "reason": "a lost phone"}
    staff.post("/admin/bookings/accesstoken/", chosen)

    assert (asked(token), asked(other)) == (401, 200)


def test_somebody_who_logs_in_for_ever_leaves_few_tokens_behind(ann: User) -> None:
    other = give_token(User.objects.create_user("bob"))
    tokens = [give_token(ann) for _ in range(MOST_TOKENS + 3)]

    assert AccessToken.objects.filter(user=ann).count() == MOST_TOKENS
    assert (asked(tokens[0]), asked(tokens[-1]), asked(other)) == (401, 200, 200)


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token \xff", "Token " + "a" * 10_000, "Bearer x", "Token x\x00"]
)
def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(header: str) -> None:
    answer = APIClient().get("/api/me/", HTTP_AUTHORIZATION=header)

    assert_problem(answer, 401, answer.json()["code"])
    assert answer.json()["code"] in ("authentication_failed", "not_authenticated")
