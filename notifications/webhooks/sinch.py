"""Sinch's webhook: delivery reports of SMS that it accepted, and incoming SMS (STOP, START and others).

    POST /webhooks/sinch/    the URL that each batch names for its reports, and the service plan's callback URL

Ask Sinch to sign callbacks: https://developers.sinch.com/docs/sms/api-reference/sms/webhooks. The signature is an HMAC
over the body, a nonce and a time, `<body>.<nonce>.<timestamp>`. Sinch tells what was answered with 5xx again for a day,
so what was signed earlier is refused, and a STOP that came while we were down is not. Told again within that day, a
report changes nothing, and an incoming message counts once, by its ID.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from notifications.channels.attempt_reference import message_of
from notifications.channels.sinch_codes import report_of
from notifications.receipts import record
from notifications.recipients import inbound
from notifications.webhooks.refusals import (
    JSON,
    Refused,
    body_of,
    check_told_within_a_day,
    object_of,
    signed_by,
    text_in,
)

CHANNELS = ["sms"]
NAME = re.compile("[0-9A-Za-z_-]{1,64}")
PHONE = re.compile(r"\+?([1-9][0-9]{6,14})")
REPORTS = ("recipient_delivery_report_sms", "delivery_report_sms")


@signed_by("sinch")
def receive(request: HttpRequest) -> HttpResponse:
    """Record a delivery report, or an incoming SMS."""
    document = _signed_object(request, now=time.time())
    kind = text_in(document, "type")
    if kind in REPORTS:
        _record_report(document)
    elif kind == "mo_text":
        _record_inbound(document)
    return HttpResponse(status=200)


def signature(body: bytes, *, nonce: str, timestamp: str, secret: str) -> str:
    """Sinch's signature of a callback."""
    signed = b".".join((body, nonce.encode(), timestamp.encode()))
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def _signed_object(request: HttpRequest, *, now: float) -> Mapping[str, Any]:
    body = body_of(request, content_type=JSON)
    names = ("", "-nonce", "-timestamp", "-algorithm")
    given, nonce, timestamp, algorithm = (request.headers.get(f"x-sinch-webhook-signature{name}", "") for name in names)
    secret = getattr(settings, "SINCH_WEBHOOK_SECRET", "")
    if not given or not secret:
        raise Refused(403, "not signed")
    if algorithm != "HmacSHA256":
        raise Refused(403, "signed in another way")
    if not hmac.compare_digest(
        given.encode(), signature(body, nonce=nonce, timestamp=timestamp, secret=secret).encode()
    ):
        raise Refused(403, "wrongly signed")
    check_told_within_a_day(timestamp, now=now)
    return object_of(body)


def _record_report(document: Mapping[str, Any]) -> None:
    name, reference = text_in(document, "batch_id"), message_of(text_in(document, "client_reference"))
    if not NAME.fullmatch(name):
        raise Refused(400, "batch_id is not in Sinch's shape")
    statuses = document.get("statuses")
    told = statuses[0] if isinstance(statuses, list) and statuses and isinstance(statuses[0], dict) else document
    report = report_of(text_in(told, "status"), told.get("code"))
    if reference and report:
        message, shard = reference
        record.record(record.MessageReport(message, name, report, shard=shard), channels=CHANNELS)


def _record_inbound(document: Mapping[str, Any]) -> None:
    name, sender = text_in(document, "id"), PHONE.fullmatch(text_in(document, "from"))
    if not NAME.fullmatch(name):
        raise Refused(400, "id is not in Sinch's shape")
    if sender:  # else a short code, or a name
        inbound.receive(phone=f"+{sender[1]}", channel="sms", text=text_in(document, "body"), provider_id=name)
