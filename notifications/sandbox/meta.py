"""The sandbox's WhatsApp Cloud API: messages, their history, and our number.

A rule's `code` is a number of Meta's: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes.
"""

import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from notifications.sandbox import META_NUMBER_ID, META_TOKEN
from notifications.sandbox.answering import Arrived, Desk, answered
from notifications.sandbox.journal import Attempt
from notifications.sandbox.meta_callbacks import status_call
from notifications.sandbox.rules import Answer

HERE = r"/{version:v\d+\.\d+}/{number:\d+}"
MOST_CHARACTERS, LONGEST_CAPTION = 4096, 1024
KINDS = ("text", "image", "document", "template")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Mistake = tuple[int, int, str]  # HTTP status, Meta's number, words


class MetaApi:
    """The routes under /{version}/{number}."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{HERE}/messages", self._guarded(self._send)),
            web.get(f"{HERE}/message_history", self._guarded(self._history), allow_head=False),
            web.get(HERE, self._guarded(self._number), allow_head=False),
        ]

    def _guarded(self, handle: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {META_TOKEN}".encode()):
                return _refusal(401, 190, "Invalid OAuth access token.")
            if request.match_info["number"] != META_NUMBER_ID:
                return _refusal(400, 100, "Unsupported request: no such object.")
            return await handle(request)

        return guarded

    async def _send(self, request: web.Request) -> web.StreamResponse:
        message = _object(await request.read())
        to = str(message.get("to", ""))
        arrived = Arrived(
            channel="whatsapp",
            to=to if to.startswith("+") else f"+{to}",
            sender=META_NUMBER_ID,
            text=_words(message),
            parameters=message,
            sid=f"wamid.{secrets.token_urlsafe(40)}",
            mistake=_mistake(message),
        )

        def respond(attempt: Attempt, answer: Answer) -> web.Response:
            if answer.status >= 300 or answer.code:
                return _refusal(answer.status or 400, int(answer.code or 131000), answer.message or "No")
            if arrived.mistake and not answer.status:
                return _refusal(*arrived.mistake)
            number = attempt.to.removeprefix("+")
            return web.json_response(
                {
                    "messaging_product": "whatsapp",
                    "contacts": [{"input": to, "wa_id": number}],
                    "messages": [{"id": attempt.sid, "message_status": "accepted"}],
                }
            )

        tell = partial(status_call, url=self._desk.callbacks.urls.get("meta", ""))
        return await answered(request, arrived, self._desk, tell=tell, respond=respond)

    async def _history(self, request: web.Request) -> web.StreamResponse:
        if self._desk.rules.is_down:
            return _refusal(503, 2, "down")
        attempt = self._desk.journal.by_sid(request.query.get("message_id", ""))
        entries = []
        if attempt is not None:
            is_final = self._desk.callbacks.statuses or attempt.final_code
            statuses = ["sent", attempt.final_status] if is_final else ["sent"]
            now = int(attempt.received_at.timestamp())
            events = [
                {"id": str(place), "delivery_status": each.upper(), "timestamp": now}
                for place, each in enumerate(statuses)
            ]
            entries = [{"id": "1", "message_id": attempt.sid, "events": {"data": events}}]
        return web.json_response({"data": entries})

    async def _number(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"quality_rating": "GREEN", "id": META_NUMBER_ID})


def _mistake(message: Mapping[str, Any]) -> Mistake | None:
    """What is wrong with a message; None: nothing."""
    kind = message.get("type")
    if message.get("messaging_product") != "whatsapp" or kind not in KINDS or not isinstance(message.get(kind), dict):
        return 400, 131008, "Required parameter is missing"
    if not re.fullmatch(r"\+?[1-9]\d{6,14}", str(message.get("to", ""))):
        return 400, 131009, "Parameter value is not valid"
    if len(_words(message)) > (LONGEST_CAPTION if kind in ("image", "document") else MOST_CHARACTERS):
        return 400, 100, "Param text must be at most 4096 characters long."
    if kind in ("image", "document") and not re.match("https?://[^/]", str(message[kind].get("link", ""))):
        return 400, 131009, "Parameter value is not valid"
    if kind == "template" and not (message[kind].get("name") and message[kind].get("language", {}).get("code")):
        return 400, 132001, "Template name does not exist in the translation"
    return None


def _words(message: Mapping[str, Any]) -> str:
    kind = message.get("type")
    content = message.get(str(kind))
    if not isinstance(content, dict):
        return ""
    if kind == "template":
        parts = content.get("components") or []
        return " ".join(str(each.get("text", "")) for part in parts for each in part.get("parameters", []))
    return str(content.get("body", content.get("caption", "")))


def _refusal(status: int, code: int, words: str) -> web.Response:
    error = {
        "message": f"(#{code}) {words}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": words},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    }
    return web.json_response({"error": error}, status=status)


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
