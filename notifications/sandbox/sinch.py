"""The sandbox's Sinch: its batches of SMS, and their delivery reports.

A rule's `code` is a code of a refusal, such as "syntax_constraint_violation", or the number of a delivery report.
"""

import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from notifications.sandbox import SINCH_PLAN, SINCH_TOKEN
from notifications.sandbox.answering import Arrived, Desk, answered
from notifications.sandbox.journal import Attempt
from notifications.sandbox.rules import Answer
from notifications.sandbox.sinch_callbacks import status_call

BATCHES = "/xms/v1/{plan}/batches"
MOST_CHARACTERS = 2000
FORBIDDEN = ("unauthorized", "missing_callback_url", "unknown_group", "unknown_campaign")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SinchApi:
    """The routes under /xms/v1/{plan}/batches."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        report = f"{BATCHES}/{{batch}}/delivery_report"
        return [
            web.post(BATCHES, self._guarded(self._create)),
            web.get(BATCHES, self._guarded(self._list), allow_head=False),
            web.get(report, self._guarded(self._report), allow_head=False),
        ]

    def _guarded(self, handle: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {SINCH_TOKEN}".encode()):
                return web.Response(status=401)
            if request.match_info["plan"] != SINCH_PLAN:
                return _refusal(403, "unauthorized", "No such service plan")
            return await handle(request)

        return guarded

    async def _create(self, request: web.Request) -> web.StreamResponse:
        batch = _object(await request.read())
        to = batch.get("to")
        first = str(to[0]) if isinstance(to, list) and to else ""
        arrived = Arrived(
            channel="sms",
            to=first if first.startswith("+") else f"+{first}",
            sender=str(batch.get("from", "")),
            text=str(batch.get("body", "")),
            parameters=batch,
            sid=secrets.token_hex(13).upper(),
            mistake=_mistake(batch),
            usual_status=201,
        )

        def respond(attempt: Attempt, answer: Answer) -> web.Response:
            if answer.status >= 300 or answer.code:
                status = answer.status or (403 if answer.code in FORBIDDEN else 400)
                return _refusal(status, str(answer.code or "unauthorized"), answer.message or "No")
            if arrived.mistake and not answer.status:
                return _refusal(400, *arrived.mistake)
            return web.json_response(_resource(attempt), status=answer.status or 201)

        return await answered(request, arrived, self._desk, tell=status_call, respond=respond)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if self._desk.rules.is_down:
            return _refusal(503, "", "down")
        since = datetime.fromisoformat(request.query["start_date"]) if "start_date" in request.query else None
        wanted = request.query.get("client_reference")
        found = [
            _resource(attempt)
            for attempt in self._desk.journal.newest_first()
            if attempt.sid
            and isinstance((attempt.parameters or {}).get("to"), list)
            and (wanted is None or (attempt.parameters or {}).get("client_reference") == wanted)
            and (since is None or attempt.received_at >= since)
        ][: int(request.query.get("page_size", "30"))]
        return web.json_response({"page": 0, "count": len(found), "page_size": len(found), "batches": found})

    async def _report(self, request: web.Request) -> web.StreamResponse:
        attempt = self._desk.journal.by_sid(request.match_info["batch"])
        if attempt is None:
            return web.Response(status=404)
        is_final = self._desk.callbacks.statuses or attempt.final_code
        status = {
            "code": (int(attempt.final_code) if attempt.final_code else 0) if is_final else 401,
            "status": attempt.final_status.capitalize() if is_final else "Dispatched",
            "count": 1,
            "recipients": [attempt.to],
        }
        document = {
            "type": "delivery_report_sms",
            "batch_id": attempt.sid,
            "total_message_count": "1",
            "statuses": [status],
            "client_reference": (attempt.parameters or {}).get("client_reference", ""),
        }
        return web.json_response(document)


def _mistake(batch: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with a batch; None: nothing."""
    to = batch.get("to")
    if not isinstance(to, list) or not to or not isinstance(batch.get("body"), str) or not batch.get("from"):
        return "syntax_constraint_violation", "The request body does not fulfill all the constraints set by the API"
    if not all(isinstance(each, str) and re.fullmatch(r"\+?[1-9]\d{6,14}", each) for each in to):
        return "syntax_invalid_parameter_format", "The format of parameter 'to[0]' is invalid"
    if len(batch["body"]) > MOST_CHARACTERS:
        return "syntax_constraint_violation", f"The body has more than {MOST_CHARACTERS} characters"
    return None


def _resource(attempt: Attempt) -> dict[str, Any]:
    batch, moment = dict(attempt.parameters or {}), attempt.received_at.isoformat(timespec="milliseconds")
    at = moment.replace("+00:00", "Z")
    return {"id": attempt.sid, "type": "mt_text", "canceled": False, "created_at": at, "modified_at": at, **batch}


def _refusal(status: int, code: str, words: str) -> web.Response:
    return web.json_response({"code": code, "text": words}, status=status)


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
