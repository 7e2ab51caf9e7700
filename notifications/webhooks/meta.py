"""Meta's webhook: statuses of WhatsApp messages, and incoming ones (STOP, START and others).

    GET  /webhooks/meta/     Meta asks once, with our verify token, whether this is the place
    POST /webhooks/meta/     what happened, in batches, signed with the app's secret

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview. The signature
(X-Hub-Signature-256) is over the raw body, and has no time. Meta tells what was not answered with 200 again for up to
seven days. So nothing here may depend on being told once: a receipt only ever advances, and an incoming message counts
once, by its ID. What is about another number than ours changes nothing.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from notifications.channels.attempt_reference import attempt_of
from notifications.channels.meta_codes import report_of
from notifications.receipts import record
from notifications.recipients import inbound
from notifications.webhooks.refusals import JSON, Refused, body_of, object_of, signed_by, text_in

CHANNELS = ["whatsapp"]
MOST_BYTES = 1_000_000  # a batch; Meta says up to three megabytes, and sends far less
CHALLENGE = re.compile("[0-9A-Za-z_-]{1,256}")
NAME = re.compile(r"[\x21-\x7e]{1,255}")
PHONE = re.compile("[1-9][0-9]{6,14}")
SECONDS = re.compile("[0-9]{1,11}")


@signed_by("meta", allowed="GET, POST")
def receive(request: HttpRequest) -> HttpResponse:
    """Answer Meta's question, or record what it tells."""
    if request.method == "GET":
        return _challenge(request)
    body = body_of(request, content_type=JSON, most=MOST_BYTES)
    secret: str = getattr(settings, "WHATSAPP_APP_SECRET", "")
    given = request.headers.get("X-Hub-Signature-256", "")
    if not secret or not given:
        raise Refused(403, "not signed")
    if not hmac.compare_digest(given.encode(), signature(body, secret=secret).encode()):
        raise Refused(403, "wrongly signed")
    for value in _values(object_of(body)):
        for status in _objects(value, "statuses"):
            _record_status(status)
        for message in _objects(value, "messages"):
            _record_inbound(message)
    return HttpResponse(status=200)


def signature(body: bytes, *, secret: str) -> str:
    """The header X-Hub-Signature-256 of a request with this body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _challenge(request: HttpRequest) -> HttpResponse:
    token: str = getattr(settings, "WHATSAPP_VERIFY_TOKEN", "")
    given, challenge = request.GET.get("hub.verify_token", ""), request.GET.get("hub.challenge", "")
    if not token or not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        raise Refused(403, "another verify token")
    if request.GET.get("hub.mode") != "subscribe" or not CHALLENGE.fullmatch(challenge):
        raise Refused(400, "no challenge")
    return HttpResponse(challenge, content_type="text/plain")


def _values(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What is told about our number, change by change."""
    for entry in _objects(document, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if change.get("field") != "messages" or not isinstance(value, Mapping):
                continue
            metadata = value.get("metadata")
            number = metadata.get("phone_number_id") if isinstance(metadata, Mapping) else None
            if number == settings.WHATSAPP_PHONE_NUMBER_ID:
                yield value


def _objects(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = document.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _record_status(status: Mapping[str, Any]) -> None:
    attempt = attempt_of(status.get("biz_opaque_callback_data"))
    name = _name(status)
    errors = _objects(status, "errors")
    error = errors[0] if errors else {}
    data = error.get("error_data")
    detail = text_in(data, "details") if isinstance(data, Mapping) else text_in(error, "title")
    report = report_of(text_in(status, "status"), error.get("code"), detail)
    if attempt and report:
        claim, shard = attempt.claim_number, attempt.shard
        about = record.MessageReport(attempt.message_id, name, report, claim_number=claim, shard=shard)
        record.record(about, channels=CHANNELS)


def _record_inbound(message: Mapping[str, Any]) -> None:
    sender, name = text_in(message, "from"), _name(message)
    if not PHONE.fullmatch(sender):
        return
    # The ID is longer than what we keep of it to recognise it.
    known_as = name if len(name) <= 64 else hashlib.sha256(name.encode()).hexdigest()
    inbound.receive(
        phone=f"+{sender}", channel="whatsapp", text=_words(message), provider_id=known_as, now=_moment(message)
    )


def _words(message: Mapping[str, Any]) -> str:
    """What was written, or what the button says that was pressed; empty for a picture, a place, a reaction …"""
    for kind, name in (("text", "body"), ("button", "text")):
        part = message.get(kind)
        if isinstance(part, Mapping):
            return text_in(part, name)
    interactive = message.get("interactive")
    reply = interactive.get("button_reply") if isinstance(interactive, Mapping) else None
    return text_in(reply, "title") if isinstance(reply, Mapping) else ""


def _moment(message: Mapping[str, Any]) -> datetime | None:
    """When it was written, for the 24 hours count from then; None: now."""
    text = text_in(message, "timestamp")
    if not SECONDS.fullmatch(text):
        return None
    return min(datetime.fromtimestamp(int(text), UTC), timezone.now())


def _name(document: Mapping[str, Any]) -> str:
    name = text_in(document, "id")
    if not NAME.fullmatch(name):
        raise Refused(400, "id is not in Meta's shape")
    return name
