"""Notes which browser or program a signed-in customer uses, and when, for the page of their own security.

Each process writes this at most once in five minutes for a session or token, so requests cost nothing but a look.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from bookings.sign_ins import SignIn
from bookings.tokens import AccessToken
from bookings.user_agents import in_words
from notifications.shards import within_shard

EVERY_SECONDS = 300.0
MOST_KNOWN = 20_000  # sessions and tokens that a process remembers


class LastSeen:
    """Middleware, within the one that knows the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._lock = threading.Lock()
        self._written: OrderedDict[str, float] = OrderedDict()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        try:
            self._note(request)
        except Error:
            connection.close_if_unusable_or_obsolete()  # seen or not, the answer holds
        return response

    def _note(self, request: HttpRequest) -> None:
        device = in_words(request.headers.get("User-Agent", ""))
        if found := request.__dict__.get("authenticated_by_token"):
            token: AccessToken = found[1]
            if self._is_due(f"token {token.pk}"):
                AccessToken.objects.filter(pk=token.pk).update(seen_at=timezone.now(), device=device)
            return
        key = request.session.session_key
        if key and request.user.is_authenticated and not request.user.is_staff and self._is_due(f"session {key}"):
            seen = SignIn(user_id=request.user.pk, session_key=key, device=device, seen_at=timezone.now())
            told = ["user", "device", "seen_at"]
            SignIn.objects.bulk_create([seen], update_conflicts=True, unique_fields=["session_key"], update_fields=told)

    def _is_due(self, name: str) -> bool:
        key, now = within_shard(name), monotonic()
        with self._lock:
            if now - self._written.get(key, -EVERY_SECONDS) < EVERY_SECONDS:
                return False
            self._written[key] = now
            self._written.move_to_end(key)
            if len(self._written) > MOST_KNOWN:
                self._written.popitem(last=False)
        return True
