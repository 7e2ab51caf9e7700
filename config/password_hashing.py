"""Few passwords are hashed at once: each costs half a second of a processor, and strangers can ask for any number.

Each web process hashes PASSWORD_HASHES_AT_ONCE, and as many again wait a moment. Whoever comes on top is answered with
429 at once, so that no flood of guesses, from however many networks, takes the threads that answer everybody else. Of
one name, one guess is tried at a time: a flood of guesses at it leaves the other turns to other names.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bookings.api import problems
from config.unavailable import is_for_a_program
from notifications.shards import within_shard

WAIT_SECONDS = 3.0  # for a turn
RETRY_AFTER_SECONDS = 2


class TooManyPasswordsError(Exception):
    """So many passwords are being hashed that this one has to come again."""


class Turns:
    """Who may hash now, in one process."""

    def __init__(self, at_once: int, *, wait: float = WAIT_SECONDS) -> None:
        self._hashing = threading.BoundedSemaphore(at_once)
        self._room = threading.BoundedSemaphore(2 * at_once)  # those who hash, and those who wait
        self._wait = wait
        self._names: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """One hash. Raises TooManyPasswordsError, at once if others wait already."""
        if not self._room.acquire(blocking=False):
            raise TooManyPasswordsError
        try:
            if not self._hashing.acquire(timeout=self._wait):
                raise TooManyPasswordsError
            try:
                yield
            finally:
                self._hashing.release()
        finally:
            self._room.release()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """One guess at `name`. Raises TooManyPasswordsError while another is tried."""
        key = within_shard(name.casefold())
        with self._lock:
            if key in self._names:
                raise TooManyPasswordsError
            self._names.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._names.discard(key)


turns = Turns(settings.PASSWORD_HASHES_AT_ONCE)


class PasswordHasher(PBKDF2PasswordHasher):
    """Django's own, in turn: checking, setting and pretending to check all end in `encode`."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turns.one():
            return super().encode(password, salt, iterations)


class PasswordsInTurn:
    """Middleware: 429 with Retry-After for a password that got no turn. It was not tried, and counts as no failure."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _busy(request) if isinstance(error, TooManyPasswordsError) else None


def _busy(request: HttpRequest) -> HttpResponse:
    refused: Any
    if is_for_a_program(request):
        detail = "Too many passwords are being checked. Please send the same request again."
        refused = problems.answer(429, code="throttled", detail=detail)
    else:
        refused = render(request, "pages/busy.html", {"seconds": RETRY_AFTER_SECONDS}, status=429)
    refused["Retry-After"] = str(RETRY_AFTER_SECONDS)
    refused["Cache-Control"] = "no-store"
    answer: HttpResponse = refused
    return answer
