"""The sandbox's Resend: it sends emails once per idempotency key, and says what became of them.

A rule's `code` is the name of an error, such as "validation_error". A repetition is answered by the key before any
rule. https://resend.com/docs/dashboard/emails/idempotency-keys
"""

import hmac
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from notifications.sandbox import RESEND_KEY
from notifications.sandbox.answering import Arrived, Desk, answered
from notifications.sandbox.journal import Attempt
from notifications.sandbox.resend_callbacks import status_call
from notifications.sandbox.rules import Answer

STATUSES = {
    "rate_limit_exceeded": 429,
    "daily_quota_exceeded": 429,
    "monthly_quota_exceeded": 429,
    "invalid_api_key": 403,
    "missing_api_key": 401,
    "restricted_api_key": 401,
    "invalid_idempotent_request": 409,
    "concurrent_idempotent_requests": 409,
    "application_error": 500,
    "not_found": 404,
}
MOST_KEYS = 100_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ResendApi:
    """POST and GET /emails, and GET /domains."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sent: dict[str, tuple[bytes, str]] = {}  # by the key: the request's body, and the email's id

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/emails", self._guarded(self._send)),
            web.get("/emails/{email}", self._guarded(self._fetch), allow_head=False),
            web.get("/domains", self._guarded(self._domains), allow_head=False),
        ]

    def _guarded(self, handle: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {RESEND_KEY}".encode()):
                return _refusal("invalid_api_key", "API key is invalid")
            return await handle(request)

        return guarded

    async def _send(self, request: web.Request) -> web.StreamResponse:
        content, key = await request.read(), request.headers.get("Idempotency-Key", "")
        if key in self._sent and not self._desk.rules.is_down:
            before, name = self._sent[key]
            if before != content:
                return _refusal("invalid_idempotent_request", "This key was used with another payload")
            return web.json_response({"id": name})
        email = _object(content)
        to = email.get("to")
        first = str(to[0] if isinstance(to, list) and to else to or "")
        arrived = Arrived(
            channel="email",
            to=first,
            sender=str(email.get("from", "")),
            text=str(email.get("text", "")),
            parameters=email,
            sid=str(uuid.uuid4()),
            mistake=_mistake(email, key),
        )

        def respond(attempt: Attempt, answer: Answer) -> web.Response:
            if answer.status >= 300 or answer.code:
                return _refusal(str(answer.code or "application_error"), answer.message or "No", status=answer.status)
            if arrived.mistake and not answer.status:
                return _refusal(*arrived.mistake)
            return web.json_response({"id": attempt.sid})

        def note(attempt: Attempt) -> None:
            if key:
                self._sent[key] = (content, attempt.sid)
                if len(self._sent) > MOST_KEYS:
                    del self._sent[next(iter(self._sent))]

        tell = partial(status_call, url=self._desk.callbacks.urls.get("resend", ""))
        return await answered(request, arrived, self._desk, tell=tell, respond=respond, note=note)

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        attempt = self._desk.journal.by_sid(request.match_info["email"])
        if attempt is None:
            return _refusal("not_found", "Email not found")
        email = attempt.parameters or {}
        told = {name: email[name] for name in ("to", "from", "subject", "html", "text") if name in email}
        is_final = self._desk.callbacks.statuses or attempt.final_status != "delivered"
        last = attempt.final_status if is_final else "sent"
        return web.json_response({"object": "email", "id": attempt.sid, "last_event": last, **told})

    async def _domains(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": []})


def _mistake(email: Mapping[str, Any], key: str) -> tuple[str, str] | None:
    """What is wrong with an email; None: nothing."""
    for name in ("from", "to", "subject"):
        if not email.get(name):
            return "missing_required_field", f"Missing `{name}` field."
    if not (email.get("text") or email.get("html")):
        return "validation_error", "Missing `html` or `text` field."
    if len(key) > 256:
        return "invalid_idempotency_key", "The key must be between 1-256 chars."
    return None


def _refusal(name: str, words: str, *, status: int = 0) -> web.Response:
    status = status or STATUSES.get(name, 422)
    return web.json_response({"statusCode": status, "name": name, "message": words}, status=status)


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
