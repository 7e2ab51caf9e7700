"""Passwords are hashed a few at a time, whoever sends how many from wherever."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User

from config.password_hashing import TooManyPasswordsError, Turns
from tests.stage.waiting import wait_until
from tests.stage.web import running_web

PASSWORD = "a long pass phrase"


@pytest.fixture
def web(database_url: str) -> Iterator[str]:
    """In production, behind a proxy, with Django's slow hash of passwords."""
    with running_web(DATABASE_URL=database_url, DJANGO_PROXIES="1") as address:
        yield address


def from_network(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250}"}


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["ann", "made-up-{}"])
def test_guesses_from_many_networks_take_no_thread_from_the_others(web: str, name: str) -> None:
    """Thirty connections, each from another network with each guess: no limit by network counts them."""
    User.objects.create(username="ann", password=PBKDF2PasswordHasher().encode(PASSWORD, "salt"))
    is_over, answers, numbers = threading.Event(), list[requests.Response](), iter(range(10**6))

    def guess() -> None:
        while not is_over.is_set():
            number = next(numbers)
            form = {"username": name.format(number), "password": "wrong"}
            answers.append(requests.post(f"{web}/api/auth/token/", json=form, headers=from_network(number), timeout=60))

    with ThreadPoolExecutor(30) as pool:
        guessing = [pool.submit(guess) for _ in range(30)]
        wait_until(lambda: len(answers) > 100, seconds=60)
        health = [requests.get(f"{web}/healthz", timeout=60) for _ in range(20)]
        is_over.set()
    for each in guessing:
        each.result()
    tried = [each for each in answers if each.status_code == 400]
    assert {each.status_code for each in answers} == {400, 429}
    assert seconds_of(health) < seconds_of(tried) / 2, "one that waits for a thread waits longer than a guess"
    refused = next(each for each in answers if each.status_code == 429)
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("throttled", "2")
    right = {"username": "ann", "password": PASSWORD}
    owner = requests.post(f"{web}/api/auth/token/", json=right, headers=from_network(10**5), timeout=60)
    assert owner.status_code == 200, "the name is not locked"


def seconds_of(answers: list[requests.Response]) -> float:
    """How long the answer took that half of them were quicker than."""
    return sorted(each.elapsed.total_seconds() for each in answers)[len(answers) // 2]


class TestTurns:
    def test_so_many_hash_so_many_wait_and_the_rest_is_refused_at_once(self) -> None:
        turns, entered, leave = Turns(1, wait=60), threading.Event(), threading.Event()
        order: list[str] = []

        def hashing(who: str) -> None:
            with turns.one():
                order.append(who)
                entered.set()
                leave.wait(60)

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(hashing, "first")
            entered.wait(60)
            second = pool.submit(hashing, "second")
            wait_until(lambda: is_refused(turns.one), seconds=10)
            assert order == ["first"]
            leave.set()
            first.result(60)
            second.result(60)
        assert order == ["first", "second"]
        assert not is_refused(turns.one)

    def test_who_waits_too_long_is_refused(self) -> None:
        turns = Turns(1, wait=0.01)
        with turns.one():
            before = time.monotonic()
            assert is_refused(turns.one)
            assert time.monotonic() - before < 5

    def test_of_one_name_one_guess_is_tried_at_a_time(self) -> None:
        turns = Turns(1)
        with turns.of("Ann"):
            assert is_refused(lambda: turns.of("ann"))
            assert not is_refused(lambda: turns.of("bob"))
        assert not is_refused(lambda: turns.of("ann"))


def is_refused(turn: Callable[[], object]) -> bool:
    try:
        with turn():  # type: ignore[attr-defined]
            return False
    except TooManyPasswordsError:
        return True
