"""Guessing passwords is slow at every door, tells nothing, and locks nobody else out."""

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from config import client_address
from tests.api.problems import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

RIGHT, WRONG = "a long pass phrase", "not that one"
HOME, ELSEWHERE = "192.0.2.1", "192.0.2.2"
FAILURES = settings.AXES_FAILURE_LIMIT


@pytest.fixture(autouse=True)
def ann() -> User:
    User.objects.create_superuser("boss", "boss@example.com", RIGHT)
    return User.objects.create_user("ann", "ann@example.com", RIGHT)


def through_page(password: str, *, name: str = "ann", address: str = HOME, path: str = "/login/", **more: str) -> Any:
    return Client().post(path, {"username": name, "password": password}, REMOTE_ADDR=address, **more)


def through_admin(password: str, *, name: str = "boss", **options: Any) -> Any:
    return through_page(password, name=name, path="/admin/login/", **options)


def through_api(password: str, *, name: str = "ann", address: str = HOME, **more: str) -> Any:
    return APIClient().post(
        "/api/auth/token/", {"username": name, "password": password}, format="json", REMOTE_ADDR=address, **more
    )


DOORS = [through_page, through_admin, through_api]


@pytest.mark.parametrize("door", DOORS)
def test_after_some_failures_even_the_right_password_is_refused_for_a_while(door: Any) -> None:
    answers = [door(WRONG) for _ in range(FAILURES)]
    assert [answer.status_code for answer in answers[:-1]] == [400 if door is through_api else 200] * (FAILURES - 1)

    refused = door(RIGHT)

    assert refused.status_code == 429
    assert refused["Retry-After"] == str(settings.LOGIN_LOCK_MINUTES * 60)
    AccessAttempt.objects.update(attempt_time="2020-01-01T00:00Z")
    assert door(RIGHT).status_code in (200, 302), "and then it is accepted again"


def test_a_failure_at_one_door_counts_at_all() -> None:
    for number in range(FAILURES):
        DOORS[number % len(DOORS)](WRONG, name="ann")

    assert [door(RIGHT, name="ann").status_code for door in DOORS] == [429] * 3


def test_programs_are_told_as_programs_and_people_as_people() -> None:
    for _ in range(FAILURES):
        through_api(WRONG)

    assert_problem(through_api(RIGHT), 429, "throttled")
    page = through_page(RIGHT)
    assert "Try again in 15 minutes." in page.content.decode()
    assert not re.search(r"\bann\b", page.content.decode()), "the page's own tokens are random letters"


def test_a_stranger_locks_nobody_out() -> None:
    for _ in range(FAILURES + 1):
        through_page(WRONG, address=ELSEWHERE)

    assert through_page(RIGHT).status_code == 302


def test_a_success_forgets_the_failures_before_it() -> None:
    for _ in range(3):
        for _ in range(FAILURES - 1):
            through_page(WRONG)
        assert through_page(RIGHT).status_code == 302


def test_refused_attempts_do_not_prolong_the_lock() -> None:
    for _ in range(FAILURES):
        through_page(WRONG)
    before = AccessAttempt.objects.values_list("attempt_time", "failures_since_start").get()

    for _ in range(3):
        through_page(WRONG)

    assert AccessAttempt.objects.values_list("attempt_time", "failures_since_start").get() == before


@pytest.mark.parametrize("door", DOORS)
def test_whether_a_name_exists_is_told_neither_by_words_nor_by_time(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("gone", password=RIGHT, is_active=False)
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *given: hashed.append(given[1]) or encode(*given))
    said = set()
    for name in ("ann", "nobody", "gone"):
        answers = [door(WRONG, name=name) for _ in range(FAILURES + 1)]
        words = [answer.content.decode().replace(name, "…") for answer in answers]
        said.add((tuple(answer.status_code for answer in answers), len(hashed), *map(without_secrets, words)))
        hashed.clear()

    assert len(said) == 1, said


def without_secrets(page: str) -> str:
    return "\n".join(line for line in page.splitlines() if "csrfmiddlewaretoken" not in line)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["x" * 1_000, "ann\u0000", "ann\r\nSet-Cookie: a=b", "%(name)s {0} ${x}", "👩‍💻"])
def test_no_name_is_an_error_of_ours(door: Any, name: str) -> None:
    assert all(door(WRONG, name=name).status_code in (200, 400, 429) for _ in range(FAILURES + 1))


def test_passwords_that_were_tried_are_written_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    for door in DOORS:
        for _ in range(FAILURES):
            door("hunter2-was-tried")

    for attempt in AccessAttempt.objects.values():
        assert "hunter2" not in str(attempt)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "believed"),
    [
        (0, "198.51.100.7", HOME),  # nobody is in front of us: the client wrote it
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "198.51.100.66, 198.51.100.7", "198.51.100.7"),  # what the client wrote, then what our proxy saw
        (2, "198.51.100.66, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (1, "unknown", HOME),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),  # its neighbours are the same client
    ],
)
def test_an_address_is_believed_as_far_as_our_own_proxies_go(
    proxies: int, forwarded: str, believed: str, rf: Any, settings: Any
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": proxies}

    assert client_address.address_of(rf.post("/login/", REMOTE_ADDR=HOME, HTTP_X_FORWARDED_FOR=forwarded)) == believed


def test_a_client_that_invents_addresses_is_locked_all_the_same() -> None:
    for number in range(FAILURES):
        through_page(WRONG, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")

    assert through_page(RIGHT, HTTP_X_FORWARDED_FOR="198.51.100.200").status_code == 429
