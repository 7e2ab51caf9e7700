"""Resend's webhook: what became of emails. A complaint is an opt-out as well: no more email.

    POST /webhooks/resend/

Resend signs as Svix does: https://docs.svix.com/receiving/verifying-payloads/how-manual. The signature is an HMAC over
an ID, a time and the raw body, `<id>.<timestamp>.<body>`; a repetition is signed anew, so what was signed more than
five minutes ago is refused. The header may hold several signatures, while a secret is being replaced.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from notifications.channels.resend_codes import report_of
from notifications.receipts import record
from notifications.webhooks.refusals import JSON, Refused, body_of, object_of, signed_by, text_in

CHANNELS = ["email"]
TOLERANCE_SECONDS = 300
PREFIX = "email."
NUMBER, NAME, SECONDS = re.compile("[0-9]{1,18}"), re.compile("[0-9A-Za-z-]{8,64}"), re.compile("[0-9]{1,12}")


@signed_by("resend")
def receive(request: HttpRequest) -> HttpResponse:
    """Record what happened to one of our emails. All other events change nothing."""
    document = _signed_object(request, now=time.time())
    data = document.get("data")
    if not isinstance(data, Mapping):
        raise Refused(400, "no data")
    name, tags, bounce = text_in(data, "email_id"), data.get("tags"), data.get("bounce")
    if not NAME.fullmatch(name):
        raise Refused(400, "email_id is not in Resend's shape")
    message, shard = (str(tags.get(tag, "")) if isinstance(tags, Mapping) else "" for tag in ("outbox", "shard"))
    event = text_in(document, "type")
    report = report_of(
        event.removeprefix(PREFIX) if event.startswith(PREFIX) else "",
        bounce=bounce if isinstance(bounce, Mapping) else None,
    )
    if report and NUMBER.fullmatch(message):
        record.record(record.MessageReport(int(message), name, report, shard=shard), channels=CHANNELS)
    return HttpResponse(status=200)


def signature(body: bytes, *, name: str, timestamp: str, secret: str) -> str:
    """Svix's signature. Raises ValueError for a secret that is none."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = b".".join((name.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _signed_object(request: HttpRequest, *, now: float) -> Mapping[str, Any]:
    body = body_of(request, content_type=JSON, most=1_000_000)
    name, timestamp, given = (request.headers.get(f"svix-{part}", "") for part in ("id", "timestamp", "signature"))
    secret = getattr(settings, "RESEND_WEBHOOK_SECRET", "")
    if not given or not secret:
        raise Refused(403, "not signed")
    try:
        right = signature(body, name=name, timestamp=timestamp, secret=secret)
    except (ValueError, binascii.Error):
        raise Refused(403, "RESEND_WEBHOOK_SECRET is not in Resend's shape") from None
    if not any(hmac.compare_digest(each.encode(), right.encode()) for each in given.split()[:10]):
        raise Refused(403, "wrongly signed")
    if not SECONDS.fullmatch(timestamp) or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Refused(403, "signed at another time")
    return object_of(body)
