"""The sandbox's control API under /_sandbox/: received messages, rules, and a page for people.

GET    /_sandbox/?to=ann             the page; with `to`, what went to addresses that hold it
GET    /_sandbox/messages?since=N    {"messages": [...], "last": N}, oldest first, at most `limit` (1,000) at once
GET    /_sandbox/messages/N/file     an attachment of an email, by `name`, or by `cid` an image that its HTML shows
DELETE /_sandbox/messages
POST   /_sandbox/rules               a rule, as rules.py describes it: {"channel", "match": {"to", "body"}, "times",
                                     "probability", "seed", "answer": {...}}
DELETE /_sandbox/rules
POST   /_sandbox/down                {"down": true} refuses everything (503, 421) until {"down": false}
POST   /_sandbox/callbacks           {"statuses": ["queued", "sent"]}: tell these and the final one of what is accepted;
                                     "urls": {"meta": …}: where providers post whose messages do not say it
DELETE /_sandbox/callbacks           tell nothing
POST   /_sandbox/contents            {"sid": "HX…", "text": "Hello {{1}}"}: what a content template says
POST   /_sandbox/prices              {"each": "0.0079", "after": 1.0}: what a segment costs in USD, and after how many
                                     seconds it is told
POST   /_sandbox/browsers            {"server_key"}: a browser signs up for push messages; answers {"endpoint", "keys"}
POST   /_sandbox/inbound             {"url", "from", "to", "body"}: somebody writes to us; answers {"status": N}.
                                     "provider": who passes it on, "twilio" or another
"""

import json
import re
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from aiohttp import web
from aiohttp.helpers import content_disposition_header

from notifications.sandbox import meta_callbacks, sinch_callbacks, twilio_callbacks, vonage_callbacks
from notifications.sandbox.callbacks import Callbacks, Write
from notifications.sandbox.emails import file_of
from notifications.sandbox.journal import Attempt, Journal
from notifications.sandbox.page import POLICY, render_page
from notifications.sandbox.prices import Prices
from notifications.sandbox.resources import charged_segments
from notifications.sandbox.rules import BadRule, Rules, parse_rule

PRICE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,5})?")
IMAGES = ("image/png", "image/jpeg", "image/gif")
WRITERS: dict[str, Write] = {
    "twilio": twilio_callbacks.inbound_call,
    "vonage": vonage_callbacks.inbound_call,
    "sinch": sinch_callbacks.inbound_call,
    "meta": meta_callbacks.inbound_call,
}
LARGEST_ANSWER = 1000  # messages: more would keep the providers waiting


class ControlApi:
    """The routes under /_sandbox/."""

    def __init__(
        self, *, journal: Journal, rules: Rules, callbacks: Callbacks, contents: dict[str, str], prices: Prices
    ) -> None:
        self._journal = journal
        self._rules = rules
        self._callbacks = callbacks
        self._contents = contents
        self._prices = prices

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sandbox/", self._page, allow_head=False),
            web.get("/_sandbox/messages", self._messages, allow_head=False),
            web.get(r"/_sandbox/messages/{sequence:\d{1,18}}/file", self._file, allow_head=False),
            web.delete("/_sandbox/messages", self._forget),
            web.post("/_sandbox/rules", self._add_rule),
            web.delete("/_sandbox/rules", self._clear_rules),
            web.post("/_sandbox/down", self._set_down),
            web.post("/_sandbox/callbacks", self._tell),
            web.delete("/_sandbox/callbacks", self._tell_nothing),
            web.post("/_sandbox/contents", self._add_content),
            web.post("/_sandbox/prices", self._set_prices),
            web.post("/_sandbox/inbound", self._write),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        page = render_page(self._journal, is_down=self._rules.is_down, to=request.query.get("to", ""))
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def _messages(self, request: web.Request) -> web.Response:
        try:
            since, limit = (int(request.query.get(name, default)) for name, default in (("since", 0), ("limit", 1000)))
        except ValueError:
            return _mistake("since and limit are whole numbers")
        found = self._journal.since(since)[: max(1, min(limit, LARGEST_ANSWER))]
        last = found[-1].sequence if found else since
        return web.json_response({"messages": [self._as_json(attempt) for attempt in found], "last": last})

    def _as_json(self, attempt: Attempt) -> dict[str, Any]:
        """The attempt, with what its provider charges for it, whether that is told already or not."""
        price = self._prices.charge(attempt)
        segments = 0 if price is None else charged_segments(attempt)
        return attempt.as_json() | {"price": None if price is None else str(price), "segments": segments}

    async def _file(self, request: web.Request) -> web.Response:
        """To be saved: a browser opens nothing of it here, whatever it is called or holds."""
        attempt, name = self._journal.by_sequence(int(request.match_info["sequence"])), request.query.get("name", "")
        found = attempt and file_of(attempt.content, name=name, cid=request.query.get("cid", ""))
        if not found:
            return web.json_response({"error": "no such file"}, status=404)
        content_type, content = found
        headers = {
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": content_disposition_header("attachment", filename=name or "image"),
        }
        shown = content_type if content_type in IMAGES else "application/octet-stream"
        return web.Response(body=content, content_type=shown, headers=headers)

    async def _forget(self, request: web.Request) -> web.Response:
        self._journal.clear()
        return web.json_response({})

    async def _add_rule(self, request: web.Request) -> web.Response:
        try:
            rule = parse_rule(await _document(request))
        except BadRule as error:
            return _mistake(str(error))
        self._rules.add(rule)
        return web.json_response(asdict(rule.answer), status=201)

    async def _clear_rules(self, request: web.Request) -> web.Response:
        self._rules.clear()
        return web.json_response({})

    async def _set_down(self, request: web.Request) -> web.Response:
        document = await _document(request)
        if not (isinstance(document, dict) and isinstance(document.get("down"), bool)):
            return _mistake('{"down": true} or {"down": false}')
        self._rules.is_down = document["down"]
        return web.json_response({"down": self._rules.is_down})

    async def _tell(self, request: web.Request) -> web.Response:
        document = await _document(request)
        statuses = document.get("statuses") if isinstance(document, dict) else None
        if not (isinstance(statuses, list) and statuses and all(isinstance(each, str) for each in statuses)):
            return _mistake('{"statuses": ["sent"]}')
        urls = document.get("urls", {})
        if not (isinstance(urls, dict) and all(isinstance(each, str) for each in urls.values())):
            return _mistake('{"urls": {"meta": "https://…"}}')
        self._callbacks.statuses, self._callbacks.urls = statuses, urls
        return web.json_response({})

    async def _tell_nothing(self, request: web.Request) -> web.Response:
        self._callbacks.statuses = ()
        return web.json_response({})

    async def _add_content(self, request: web.Request) -> web.Response:
        words = _texts(await _document(request), "sid", "text")
        if words is None:
            return _mistake('{"sid": "HX…", "text": "Hello {{1}}"}')
        self._contents[words["sid"]] = words["text"]
        return web.json_response({})

    async def _set_prices(self, request: web.Request) -> web.Response:
        document = await _document(request)
        wish = document if isinstance(document, dict) else {}
        each, after = wish.get("each", str(self._prices.each)), wish.get("after", self._prices.after)
        is_after = isinstance(after, (int, float)) and not isinstance(after, bool) and after >= 0
        if not (isinstance(each, str) and PRICE.fullmatch(each) and is_after and wish.keys() <= {"each", "after"}):
            return _mistake('{"each": "0.0079", "after": 1.0}')
        self._prices.each, self._prices.after = Decimal(each), float(after)
        return web.json_response({})

    async def _write(self, request: web.Request) -> web.Response:
        words = _texts(await _document(request), "url", "from", "to", "body")
        if words is None:
            return _mistake('{"url": …, "from": …, "to": …, "body": …}')
        write = WRITERS.get(words.get("provider", "twilio"))
        if write is None:
            return _mistake(f"provider is one of {', '.join(WRITERS)}")
        status = await self._callbacks.post(write(words["url"], words["from"], words["to"], words["body"]))
        return web.json_response({"status": status})


def _texts(document: Any, *names: str) -> dict[str, str] | None:
    """The document, if it is an object with these texts."""
    if isinstance(document, dict) and all(isinstance(document.get(name), str) for name in names):
        return document
    return None


async def _document(request: web.Request) -> Any:
    """The request's JSON; None, which nothing here takes for an answer, where it is none."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None


def _mistake(words: str) -> web.Response:
    return web.json_response({"error": words}, status=400)
