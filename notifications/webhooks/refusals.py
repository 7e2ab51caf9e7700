"""How a provider's request is turned down: the answer does not say what was wrong; the log does, without values."""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from notifications.telemetry import emit

MOST_BYTES = 64 * 1024  # an inbound message has at most 1,600 characters and ten media
JSON = "application/json"
MOST_SECONDS_OLD, MOST_SECONDS_AHEAD = 25 * 3600, 300
SECONDS = re.compile("[0-9]{1,12}")

View = Callable[[HttpRequest], HttpResponse]


class Refused(Exception):
    """The answer is `status`, and nothing changes. `reason` is for the log and contains no values."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


def signed_by(provider: str, *, allowed: str = "POST") -> Callable[[View], View]:
    """For views whose requests `provider` signs: a Refused becomes an answer that does not say what was wrong."""

    def guard(view: View) -> View:
        @csrf_exempt  # the provider's signature authenticates the request
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            try:
                return view(request)
            except Refused as refusal:
                emit("webhook.refused", provider=provider, reason=refusal.reason)
                headers = {"Allow": allowed} if refusal.status == 405 else None
                return HttpResponse(status=refusal.status, headers=headers)

        return guarded

    return guard


def body_of(request: HttpRequest, *, content_type: str, most: int = MOST_BYTES) -> bytes:
    """The body of a request that was posted as `content_type`. Raises Refused: 405, 415, 413."""
    if request.method != "POST":
        raise Refused(405, "not posted")
    if request.content_type != content_type:
        raise Refused(415, f"not {content_type}")
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or int(announced[:20]) > most:
        raise Refused(413, "too large")
    return request.body


def check_told_within_a_day(told_at: str, *, now: float) -> None:
    """For providers that tell again for a day what was not answered. `told_at` is in seconds, and signed.

    Raises Refused: 403.
    """
    if not SECONDS.fullmatch(told_at) or not -MOST_SECONDS_AHEAD < now - int(told_at) < MOST_SECONDS_OLD:
        raise Refused(403, "signed at another time")


def object_of(body: bytes) -> Mapping[str, Any]:
    """The JSON object in `body`, which is signed. Raises Refused: 400."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "no JSON") from None
    if not isinstance(document, dict):
        raise Refused(400, "no object")
    return document


def text_in(document: Mapping[str, Any], name: str) -> str:
    """The text under `name`; empty where there is none. Raises Refused, 400, for what PostgreSQL does not store."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\x00" in value:
        raise Refused(400, f"{name} is no text")
    return value
