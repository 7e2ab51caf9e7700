"""The sandbox's Vonage: its SMS API, and the part of its Reports API that tells of SMS.

What is wrong with a message is answered with 200 and a status that is not 0: https://developer.vonage.com/api-errors/sms.
A rule's `code` is such a status; with `accept`, the first part of a message is accepted and the others are refused.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from notifications.sandbox import VONAGE_KEY, VONAGE_SECRET
from notifications.sandbox.answering import Arrived, Desk, answered
from notifications.sandbox.journal import Attempt
from notifications.sandbox.prices import Prices
from notifications.sandbox.resources import segments
from notifications.sandbox.rules import Answer
from notifications.sandbox.vonage_callbacks import RECEIPTS, status_call

MOST_CHARACTERS = 3200
WORDS = {"1": "Throughput Rate Exceeded - please wait and retry", "2": "Missing to param", "4": "Bad Credentials"}
CURRENCY = "EUR"
_LOGIN = "Basic " + base64.b64encode(f"{VONAGE_KEY}:{VONAGE_SECRET}".encode()).decode()


class VonageApi:
    """POST /sms/json and GET /v2/reports/records."""

    def __init__(self, desk: Desk, prices: Prices) -> None:
        self._desk = desk
        self._prices = prices

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/sms/json", self._send),
            web.get("/v2/reports/records", self._report, allow_head=False),
        ]

    async def _send(self, request: web.Request) -> web.StreamResponse:
        content = (await request.read()).decode(errors="replace")
        fields = dict(parse_qsl(content)) if request.content_type == "application/x-www-form-urlencoded" else {}
        arrived = Arrived(
            channel="sms",
            to=f"+{fields.get('to', '')}",
            sender=fields.get("from", ""),
            text=fields.get("text", ""),
            parameters={name: value for name, value in fields.items() if name != "api_secret"},
            sid=secrets.token_hex(8).upper(),
            mistake=_mistake(fields),
            mistake_status=200,
        )

        def respond(attempt: Attempt, answer: Answer) -> web.Response:
            if answer.status >= 300:
                return web.json_response({"type": "about:blank", "title": "No"}, status=answer.status)
            return web.json_response(_document(attempt, arrived, answer))

        return await answered(request, arrived, self._desk, tell=status_call, respond=respond)

    async def _report(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), _LOGIN.encode()):
            return web.json_response({"title": "Unauthorized"}, status=401)
        query = request.query
        if query.get("account_id") != VONAGE_KEY or query.get("product") != "SMS":
            return web.json_response({"title": "Forbidden"}, status=403)
        if self._desk.rules.is_down:
            return web.json_response({"title": "No"}, status=503)
        since, until = (_moment(query.get(name, "")) for name in ("date_start", "date_end"))
        if "id" not in query and (since is None or until is None or (until - since).total_seconds() > 24 * 3600):
            return web.json_response({"title": "Unprocessable entity"}, status=422)
        records = [
            self._record(attempt)
            for attempt in self._desk.journal.newest_first()
            if attempt.sid
            and "client-ref" in (attempt.parameters or {})
            and (attempt.sid in query["id"].split(",") if "id" in query else _is_within(attempt, since, until))
        ]
        return web.json_response(
            {
                "request_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
                "request_status": "SUCCESS",
                "received_at": _iso(datetime.now(UTC)),
                "account_id": VONAGE_KEY,
                "product": "SMS",
                "direction": "outbound",
                "items_count": len(records),
                "records": records,
            }
        )

    def _record(self, attempt: Attempt) -> dict[str, Any]:
        price, fields = self._prices.told(attempt), attempt.parameters or {}
        is_final = self._desk.callbacks.statuses or attempt.final_code
        record = {
            "account_id": VONAGE_KEY,
            "message_id": attempt.sid,
            "client_ref": fields["client-ref"],
            "direction": "outbound",
            "from": attempt.sender,
            "to": fields["to"],
            "date_received": _iso(attempt.received_at),
            "status": attempt.final_status if is_final and attempt.final_status in RECEIPTS else "accepted",
            "error_code": str(attempt.final_code),
            "currency": CURRENCY,
        }
        return record if price is None else {**record, "total_price": float(price)}


def _mistake(fields: Mapping[str, str]) -> str:
    """The status of what is wrong with a message; empty: nothing."""
    checks = {
        "2": all(fields.get(name) for name in ("api_key", "from", "to", "text")),
        "4": fields.get("api_key") == VONAGE_KEY and fields.get("api_secret") == VONAGE_SECRET,
        "3": re.fullmatch(r"\d{7,15}", fields.get("to", ""))
        and 20_000 <= _whole(fields.get("ttl", "20000")) <= 604_800_000,
        "23": re.match("https?://[^/]", fields.get("callback", "http://x")),
        "12": len(fields.get("text", "")) <= MOST_CHARACTERS,
    }
    return next((status for status, is_right in checks.items() if not is_right), "")


def _document(attempt: Attempt, arrived: Arrived, answer: Answer) -> dict[str, Any]:
    """An answer for each part, as the API's description has it."""
    status = str(answer.code or arrived.mistake or "0")
    good = {
        "to": arrived.parameters.get("to", ""),
        "message-id": arrived.sid,
        "status": "0",
        "remaining-balance": "3.14159265",
        "message-price": "0.03330000",
        "network": "23410",
        "client-ref": arrived.parameters.get("client-ref", ""),
    }
    bad = {"status": status, "error-text": answer.message or WORDS.get(status, "No")}
    parts = [
        good if attempt.accepted and (status == "0" or not part) else bad for part in range(segments(arrived.text))
    ]
    named = [
        {**part, "message-id": f"{arrived.sid}{place:02}"} if place and part is good else part
        for place, part in enumerate(parts)
    ]
    return {"message-count": str(len(named)), "messages": named}


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 12 else -1


def _is_within(attempt: Attempt, since: datetime | None, until: datetime | None) -> bool:
    return since is not None and until is not None and since <= attempt.received_at < until


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")
