"""The sandbox's Twilio Messages API: create, fetch and list messages. Callbacks are in callbacks.py.

A content template says what `contents` has under its SID, with its variables; one that nobody made known says them
alone. Refusals carry Twilio's numbers and shapes: https://www.twilio.com/docs/api/errors
"""

import base64
import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from notifications.sandbox import resources
from notifications.sandbox.answering import Arrived, Desk, answered
from notifications.sandbox.journal import Attempt
from notifications.sandbox.mistakes import channel_of, mistakes, variables_of
from notifications.sandbox.prices import Prices
from notifications.sandbox.rules import Answer
from notifications.sandbox.twilio_callbacks import status_call

LIST_FILTERS = ("To", "From", "DateSent", "DateSent>", "DateSent<")
LARGEST_PAGE = 1000

_ERRORS = {
    401: (20003, "Authenticate"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "Method not allowed"),
    429: (20429, "Too Many Requests"),
    500: (20500, "An internal server error has occurred"),
    503: (20503, "Service is down for the moment"),
}


class MessagesApi:
    """The routes under /2010-04-01/Accounts/{sid}/Messages, and the account itself."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        desk: Desk,
        contents: Mapping[str, str],
        prices: Prices,
    ) -> None:
        self._account_sid = account_sid
        credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._authorization = f"Basic {credentials}"
        self._desk = desk
        self._contents = contents
        self._prices = prices

    def routes(self) -> list[web.RouteDef]:
        messages = f"/{resources.VERSION}/Accounts/{{account}}/Messages"
        account = f"/{resources.VERSION}/Accounts/{{account}}.json"
        return [
            web.get(account, self._guarded(self._fetch_account), allow_head=False),
            web.post(f"{messages}.json", self._guarded(self._create)),
            web.get(f"{messages}.json", self._guarded(self._list), allow_head=False),
            web.get(f"{messages}/{{sid}}.json", self._guarded(self._fetch), allow_head=False),
        ]

    async def _fetch_account(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"sid": self._account_sid, "friendly_name": "Sandbox", "status": "active", "type": "Full"}
        )

    def _guarded(
        self, handle: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), self._authorization.encode()):
                return refusal(401, headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})
            if request.match_info["account"] != self._account_sid:
                return refusal(404)
            return await handle(request)

        return guarded

    async def _create(self, request: web.Request) -> web.StreamResponse:
        fields = await _form(request)
        to = fields.get("To", "")
        arrived = Arrived(
            channel=channel_of(to),
            to=to,
            sender=fields.get("From") or fields.get("MessagingServiceSid", ""),
            text=self._text(fields),
            parameters=fields,
            sid=f"SM{secrets.token_hex(16)}",
            mistake=next(mistakes(fields), None),
            usual_status=201,
        )

        def respond(attempt: Attempt, answer: Answer) -> web.Response:
            if arrived.mistake and not answer.status:
                return refusal(400, *arrived.mistake)
            return self._response(attempt, answer)

        return await answered(request, arrived, self._desk, tell=status_call, respond=respond)

    def _text(self, fields: Mapping[str, str]) -> str:
        if "ContentSid" not in fields:
            return fields.get("Body", "")
        variables = variables_of(fields) or {}
        template = self._contents.get(fields["ContentSid"], " ".join(f"{{{{{name}}}}}" for name in variables))
        return re.sub(r"\{\{(\w+)\}\}", lambda match: str(variables.get(match[1], "")), template)

    def _response(self, attempt: Attempt, answer: Answer) -> web.Response:
        status = answer.status or (400 if answer.code else 0)
        if status >= 300:
            return refusal(status, int(answer.code), answer.message)
        said = "accepted" if "MessagingServiceSid" in (attempt.parameters or {}) else "queued"
        document = resources.message(attempt, account_sid=self._account_sid, status=said)
        return _json(document, status=status or 201)

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        attempt = self._desk.journal.by_sid(request.match_info["sid"])
        return refusal(404) if attempt is None else _json(self._resource(attempt))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        filters = {name: request.query[name] for name in LIST_FILTERS if name in request.query}
        if any(_moment(value) is None for name, value in filters.items() if name.startswith("DateSent")):
            return refusal(400, 20001, "Invalid DateSent")
        size = _number(request.query.get("PageSize"), default=50, least=1, most=LARGEST_PAGE)
        number = _number(request.query.get("Page"), default=0, least=0, most=10**9)
        found = (
            attempt
            for attempt in self._desk.journal.newest_first()
            if attempt.sid
            and filters.get("To", attempt.to) == attempt.to
            and filters.get("From", attempt.sender) == attempt.sender
            and _is_of_date(attempt.received_at, filters)
        )
        shown = list(islice(found, number * size, (number + 1) * size + 1))
        return _json(
            resources.page(
                [self._resource(attempt) for attempt in shown[:size]],
                path=request.path,
                filters=filters,
                number=number,
                size=size,
                has_next=len(shown) > size,
            )
        )

    def _resource(self, attempt: Attempt) -> dict[str, Any]:
        is_final = self._desk.callbacks.statuses or attempt.final_code
        return resources.message(
            attempt,
            account_sid=self._account_sid,
            status=attempt.final_status if is_final else "sent",
            error=attempt.final_code,
            price=self._prices.told(attempt),
        )


@web.middleware
async def in_twilios_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Unknown paths and methods answered in Twilio's shape."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return refusal(error.status) if error.status >= 400 else error


def refusal(status: int, code: int = 0, words: str = "", *, headers: Mapping[str, str] | None = None) -> web.Response:
    usual_code, usual_words = _ERRORS.get(status, (20001 if status < 500 else 20500, f"HTTP {status}"))
    document = resources.error(status=status, code=code or usual_code, words=words or usual_words)
    return _json(document, status=status, headers=headers)


def _is_of_date(moment: datetime, filters: Mapping[str, str]) -> bool:
    """Whether `moment` is on the day DateSent, from the moment DateSent> on, and before the end of DateSent<."""
    on, since, until = (_moment(filters.get(name, "")) for name in ("DateSent", "DateSent>", "DateSent<"))
    is_on = on is None or on.date() == moment.date()
    return is_on and (since is None or moment >= since) and (until is None or moment <= until)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _form(request: web.Request) -> dict[str, str]:
    """The form's fields; like Twilio, none where the body is anything else than a form."""
    content = await request.read()
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(content.decode(errors="replace")))


def _number(text: str | None, *, default: int, least: int, most: int) -> int:
    return min(max(int(text), least), most) if text and re.fullmatch("[0-9]{1,9}", text) else default


def _json(document: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(document), content_type="application/json", headers=dict(headers or {})
    )
