"""SMS through Vonage's SMS API: https://developer.vonage.com/en/api/sms. Reports come from its Reports API.

Each request carries our reference for the attempt (`client-ref`), which receipts bring back and reports show. So after
a lost answer Vonage is asked for the messages of the time in question, and ours is known by its reference, not by its
words. Vonage has no idempotency keys: a message that it does not show is sent again, and marked.

Vonage splits a long message and answers for each part. If it accepted some parts and refused others, the outcome is
unknown: the message cannot be sent again without a double of what has gone out. Each part has an ID; the message is
known by the first, and the price that is told is that part's.
"""

import base64
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.asking import ask_until_visible
from notifications.channels.attempt_reference import Attempt, attempt_of
from notifications.channels.base import Channel, Charge, DeliveryReport, Outgoing, Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.dlt import Register
from notifications.channels.provider_api import (
    ProviderApi,
    Reply,
    ask,
    callback_url,
    not_told,
    server,
    setting,
    sms_sender,
    unreachable,
)
from notifications.channels.refusals import outcome_of
from notifications.channels.vonage_codes import ERRORS, RECEIPT_STATUSES, report_of
from notifications.content.sms_segments import segments
from notifications.lifecycle import Accepted, Outcome, Permanent, ReceiptStatus, Throttled, Transient, Unknown
from notifications.policy.masking import masked

API_URL, REPORTS_URL = "https://rest.nexmo.com", "https://api.nexmo.com"
SHORTEST_TTL, LONGEST_TTL = 20_000, 604_800_000  # milliseconds: …/api/sms, ttl
DAY = 24 * 3600.0  # the Reports API answers for a day at most
MOST_DAYS = 3
SLACK_SECONDS = 300.0  # for what the request took


class VonageSmsChannel(Channel):
    """SMS from VONAGE_SMS_FROM, by the account VONAGE_API_KEY."""

    address_field = "phone"
    can_look_up = True
    tells_price = True
    templates = {"text": "sms.txt"}
    is_charged_by_segment = True

    def __init__(
        self,
        name: str,
        *,
        api_key: str,
        api_secret: str,
        sender: str,
        register: Register,
        api_url: str = "",
        callback: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(name)
        self._credentials = {"api_key": api_key, "api_secret": api_secret}
        self._sender = sender.removeprefix("+")
        self._register = register
        self._callback = callback
        self._pause = pause
        self._api = ProviderApi(api_url or API_URL)
        login = base64.b64encode(f"{api_key}:{api_secret}".encode()).decode()
        self._reports = ProviderApi(api_url or REPORTS_URL, headers={"Authorization": f"Basic {login}"})

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        key, sender = setting(name, settings, "VONAGE_API_KEY"), sms_sender(name, settings, "VONAGE_SMS_FROM")
        if not re.fullmatch("[0-9A-Za-z]{8}", key):
            raise ImproperlyConfigured(f"VONAGE_API_KEY must be eight letters or digits (channel {name!r}).")
        api_url = server(settings, "VONAGE_API_URL")
        return cls(
            name,
            api_key=key,
            api_secret=setting(name, settings, "VONAGE_API_SECRET"),
            sender=sender,
            register=Register.from_settings(settings),
            api_url=api_url,
            callback=callback_url("notifications:vonage-status", is_real=not api_url),
        )

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        registered = self._register.numbers_of(outgoing)
        if isinstance(registered, Permanent):
            return registered
        fields = self._fields(outgoing)
        if registered:
            fields |= {"entity-id": registered.entity, "content-id": registered.template}
        with deadline.enforced() as transmission:
            try:
                reply = self._api.post_form("/sms/json", fields)
            except OSError as error:
                return transmission.failure(error)
        return _outcome(reply, outgoing.address)

    def find(
        self,
        outgoing: Outgoing,
        *,
        began_ago: float,
        unknown_for: float,
        known: Collection[str],
        deadline: Deadline,
    ) -> Accepted | Transient | Throttled | None:
        """Look through the reports of the time since the first attempt; once more where nothing is reported yet."""

        def look() -> Accepted | Transient | Throttled | None:
            for query in self._windows(began_ago):
                reply = self._reports.get("/v2/reports/records", query)
                records = _records(reply)
                if records is None:
                    return not_told(reply) if not reply.is_success else Transient("asking_unreadable_answer")
                for record in records:
                    if str(record.get("message_id")) not in known and _is_it(record, outgoing):
                        return Accepted(str(record["message_id"]))
            return None

        return ask_until_visible(
            lambda: ask(look, deadline), unknown_for=unknown_for, deadline=deadline, pause=self._pause
        )

    def look_up(self, provider_id: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        def look() -> DeliveryReport | Transient | Throttled | None:
            reply = self._reports.get("/v2/reports/records", self._query(id=provider_id))
            records = _records(reply)
            if records is None:
                return not_told(reply) if not reply.is_success else Transient("asking_unreadable_answer")
            return next((_report(record) for record in records if record.get("message_id") == provider_id), None)

        return ask(look, deadline)

    def probe(self, deadline: Deadline) -> Probe:
        """Ask for a report of no message, which costs nothing."""

        def look() -> Reply:
            return self._reports.get("/v2/reports/records", self._query(id="0"))

        reply = ask(look, deadline)
        if isinstance(reply, Transient):
            return unreachable("Vonage", reply)
        if reply.status in (401, 403):
            refused = f"Vonage refuses the account (HTTP {reply.status})."
            return Probe(State.WRONG, f"{refused} Check VONAGE_API_KEY and VONAGE_API_SECRET.")
        if reply.document is None:
            return Probe(State.WRONG, f"That is not Vonage (HTTP {reply.status}). Check VONAGE_API_URL.")
        return Probe(State.OK, "Vonage knows the account.")

    def close(self) -> None:
        self._api.close()
        self._reports.close()

    def _fields(self, outgoing: Outgoing) -> dict[str, str]:
        text = outgoing.parts["text"]
        fields = {
            **self._credentials,
            "from": self._sender,
            "to": outgoing.address.removeprefix("+"),
            "text": text,
            "client-ref": Attempt(outgoing.message_id, outgoing.claim_number).reference,
        }
        if segments(text).odd:
            fields["type"] = "unicode"
        if self._callback:
            fields["callback"] = self._callback
        if outgoing.expires_in is not None:
            fields["ttl"] = str(min(max(int(outgoing.expires_in * 1000), SHORTEST_TTL), LONGEST_TTL))
        return fields

    def _query(self, **more: str) -> dict[str, str]:
        return {"account_id": self._credentials["api_key"], "product": "SMS", "direction": "outbound", **more}

    def _windows(self, began_ago: float) -> Iterator[dict[str, str]]:
        """The questions for all messages since the first attempt began, by Vonage's clock, a day each."""
        start, end = self._reports.now() - began_ago - SLACK_SECONDS, self._reports.now() + SLACK_SECONDS
        for day in range(MOST_DAYS):
            since, until = start + day * DAY, min(start + (day + 1) * DAY, end)
            if since < until:
                yield self._query(date_start=_iso(since), date_end=_iso(until))


def _outcome(reply: Reply, address: str) -> Outcome:
    parts = _parts(reply)
    if not reply.is_success:
        return outcome_of(status=reply.status, meaning=None, code=f"http_{reply.status}", detail="", wait=reply.wait)
    if not parts:
        return Unknown("unreadable_answer", "no messages")
    refused = [part for part in parts if part.get("status") != "0"]
    if not refused:
        name = parts[0].get("message-id")
        return Accepted(name) if isinstance(name, str) and name else Unknown("unreadable_answer", "no message-id")
    status, detail = str(refused[0].get("status")), masked(str(refused[0].get("error-text", "")), address)
    if len(refused) < len(parts):
        return Unknown("vonage_partly_accepted", detail)
    return outcome_of(
        status=400, meaning=ERRORS.get(status), code=f"vonage_{status[:8]}", detail=detail, wait=reply.wait
    )


def _parts(reply: Reply) -> list[Mapping[str, Any]]:
    found = reply.document.get("messages") if isinstance(reply.document, Mapping) else None
    is_right = isinstance(found, list) and all(isinstance(part, Mapping) for part in found)
    return found if is_right and found is not None else []


def _records(reply: Reply) -> list[Mapping[str, Any]] | None:
    """The records of a report; None where it is none, or cut short."""
    document = reply.document
    if not reply.is_success or not isinstance(document, Mapping) or document.get("request_status") == "TRUNCATED":
        return None
    found = document.get("records", [])
    is_right = isinstance(found, list) and all(isinstance(record, Mapping) for record in found)
    return found if is_right else None


def _is_it(record: Mapping[str, Any], outgoing: Outgoing) -> bool:
    """Whether Vonage's `record` is ours. One that it gave up does not count: it cannot arrive twice."""
    attempt = attempt_of(record.get("client_ref"))
    return (
        attempt is not None
        and attempt.is_of(outgoing.message_id)
        and str(record.get("to", "")).removeprefix("+") == outgoing.address.removeprefix("+")
        and bool(record.get("message_id"))
        and RECEIPT_STATUSES.get(str(record.get("status"))) is not ReceiptStatus.UNDELIVERED
    )


def _report(record: Mapping[str, Any]) -> DeliveryReport | None:
    """What a record says became of its message, and what it cost."""
    report, charge = report_of(str(record.get("status")), str(record.get("error_code", ""))), _charge(record)
    if report is None:
        return DeliveryReport(ReceiptStatus.SENT, charge=charge) if charge else None
    detail = masked(str(record.get("error_code_description", "")), "") if report.code else ""
    return DeliveryReport(report.status, report.code, detail, report.reason, charge)


def _charge(record: Mapping[str, Any]) -> Charge | None:
    try:
        price = Decimal(str(record.get("total_price")))
    except InvalidOperation:
        return None
    currency = str(record.get("currency", ""))
    is_sane = price.is_finite() and 0 <= price < 100_000 and re.fullmatch("[A-Z]{3}", currency)
    return Charge(price, currency) if is_sane else None


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
