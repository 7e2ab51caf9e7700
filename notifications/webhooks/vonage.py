"""Vonage's webhooks: delivery receipts of SMS that it accepted, and incoming SMS (STOP, START and others).

    POST /webhooks/vonage/status/     the URL that the channel gives Vonage with each message
    POST /webhooks/vonage/inbound/    the URL in the settings of a number, or of the account

Both must be signed: ask Vonage to sign webhooks, with SHA-256 HMAC, and to POST them as JSON or as a form. The
signature covers names and values in the order of the names, with a time and a nonce:
https://developer.vonage.com/en/getting-started/concepts/signing-messages. It writes `_` for each `&` and `=` in a value
but not in a name, so a name that holds one is refused: it could hide others.

Vonage tells what was not answered with 2xx again for a day (…/api/sms, inbound-sms), so what was signed earlier is
refused, and a STOP that came while we were down is not. Told again within that day, a receipt changes nothing, and an
incoming message counts once, by its ID.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from notifications.channels.attempt_reference import attempt_of
from notifications.channels.vonage_codes import report_of
from notifications.receipts import record
from notifications.recipients import inbound
from notifications.webhooks.refusals import JSON, Refused, body_of, check_told_within_a_day, object_of, signed_by

FORM = "application/x-www-form-urlencoded"
CHANNELS = ["sms"]
MESSAGE_ID = re.compile("[0-9A-Za-z-]{8,64}")
PHONE = re.compile("[1-9][0-9]{6,14}")
MOST_FIELDS = 60


@signed_by("vonage")
def status(request: HttpRequest) -> HttpResponse:
    """Record a delivery receipt."""
    fields = _signed_fields(request, now=time.time())
    attempt = attempt_of(fields.get("client-ref"))
    name = fields.get("messageId", "")
    if not MESSAGE_ID.fullmatch(name):
        raise Refused(400, "messageId is not in Vonage's shape")
    report = report_of(fields.get("status", ""), fields.get("err-code", ""))
    if attempt and report:
        claim, shard = attempt.claim_number, attempt.shard
        about = record.MessageReport(attempt.message_id, name, report, claim_number=claim, shard=shard)
        record.record(about, channels=CHANNELS)
    return HttpResponse(status=200)


@signed_by("vonage")
def receive(request: HttpRequest) -> HttpResponse:
    """Record an incoming SMS: an opt-out or opt-in if it is one. Of a long one, Vonage sends each part by itself."""
    fields = _signed_fields(request, now=time.time())
    name, sender = fields.get("messageId", ""), fields.get("msisdn", "")
    if not MESSAGE_ID.fullmatch(name):
        raise Refused(400, "messageId is not in Vonage's shape")
    if PHONE.fullmatch(sender):  # else a short code
        inbound.receive(phone=f"+{sender}", channel="sms", text=fields.get("text", ""), provider_id=name)
    return HttpResponse(status=200)


def signature(fields: Mapping[str, str], *, secret: str) -> str:
    """Vonage's signature of `fields`, in small letters."""
    cleaned = {name: value.replace("&", "_").replace("=", "_") for name, value in fields.items()}
    signed = "".join(f"&{name}={cleaned[name]}" for name in sorted(cleaned))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def _signed_fields(request: HttpRequest, *, now: float) -> dict[str, str]:
    """The fields that Vonage signed with our account's secret. Raises Refused."""
    fields = _fields(request)
    given, secret = fields.pop("sig", ""), getattr(settings, "VONAGE_SIGNATURE_SECRET", "")
    if not given or not secret:
        raise Refused(403, "not signed")
    if not hmac.compare_digest(given.lower().encode(), signature(fields, secret=secret).encode()):
        raise Refused(403, "wrongly signed")
    check_told_within_a_day(fields.get("timestamp", ""), now=now)
    if fields.get("api-key", settings.VONAGE_API_KEY) != settings.VONAGE_API_KEY:
        raise Refused(403, "of another account")
    return fields


def _fields(request: HttpRequest) -> dict[str, str]:
    """The names and values, of a form or of a flat JSON object. Raises Refused."""
    if request.content_type == FORM:
        body = body_of(request, content_type=FORM)
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Refused(400, "not a form") from None
        fields: dict[str, str] = dict(pairs)
        is_clear = len(fields) == len(pairs)
    else:
        document = object_of(body_of(request, content_type=JSON))
        fields = {name: value for name, value in document.items() if isinstance(value, str)}
        is_clear = len(fields) == len(document)
    if not is_clear or any(sign in name for name in fields for sign in "&=\x00") or "\x00" in "".join(fields.values()):
        raise Refused(400, "a name comes twice, or hides others")
    try:
        "".join([*fields, *fields.values()]).encode()
    except UnicodeEncodeError:
        raise Refused(400, "not Unicode") from None
    return fields
