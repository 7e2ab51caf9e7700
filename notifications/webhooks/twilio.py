"""Twilio's webhooks: the status of messages that it accepted, and incoming messages (STOP, START and others).

    POST /webhooks/twilio/status/?message=12&claim=3    the URL that the channel gave Twilio with the message
    POST /webhooks/twilio/inbound/                      the URL in the settings of a number or a Messaging Service

Twilio does not repeat a status that is answered with 2xx. An incoming message is answered with empty TwiML, so that
nobody gets a reply. https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and …/messaging/twiml
"""

import re
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from notifications.channels import channel_names
from notifications.channels.base import DeliveryReport
from notifications.channels.twilio_codes import RECEIPT_STATUSES, undelivered
from notifications.lifecycle import ReceiptStatus
from notifications.receipts import record
from notifications.recipients import inbound
from notifications.telemetry import emit
from notifications.webhooks.refusals import Refused, signed_by
from notifications.webhooks.signed_forms import read_signed_form

CHANNELS = ["sms", "whatsapp"]
NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

STATUS_FIELDS = frozenset({"AccountSid", "MessageSid", "MessageStatus", "ErrorCode", "ErrorMessage"})
INBOUND_FIELDS = frozenset({"AccountSid", "MessageSid", "From", "Body", "OptOutType"}) | {
    f"From{place}" for place in ("City", "State", "Zip", "Country")
}
SID = re.compile("(?:SM|MM)[0-9a-fA-F]{32}")
NUMBER = re.compile("[0-9]{1,18}")
ERROR = re.compile("[0-9]{1,6}")
STATUS = re.compile("[a-z][a-z0-9_-]{0,39}")
PHONE = re.compile(r"\+[1-9][0-9]{1,14}")


@signed_by("twilio")
def status(request: HttpRequest) -> HttpResponse:
    """Record the status of a message that Twilio accepted, as its receipt."""
    fields = read_signed_form(request, known=STATUS_FIELDS)
    sid = _matched(SID, fields.get("MessageSid"), name="MessageSid")
    report = _report(fields)
    message, claim = (_matched(NUMBER, request.GET.get(name, "0"), name=name) for name in ("message", "claim"))
    if report is not None:
        about = record.MessageReport(message_id=int(message), claim_number=int(claim), provider_id=sid, report=report)
        record.record(about, channels=CHANNELS)
    if report is not None and report.code and report.status is ReceiptStatus.SENT:
        emit("receipt.unheard_of", message=about.message_id, claim=about.claim_number, code=report.code)
        return HttpResponse(status=200)
    return HttpResponse(status=204)


@signed_by("twilio")
def receive(request: HttpRequest) -> HttpResponse:
    """Record an incoming message: an opt-out or opt-in if it is one, and the 24-hour WhatsApp window."""
    fields = read_signed_form(request, known=INBOUND_FIELDS)
    sid = _matched(SID, fields.get("MessageSid"), name="MessageSid")
    sender = fields.get("From", "")
    prefix, _, phone = sender.rpartition(":")
    channel = _channel_of(prefix)
    if channel and PHONE.fullmatch(phone):  # else a short code, or a channel that we do not send on
        inbound.receive(
            phone=phone,
            channel=channel,
            text=fields.get("Body", ""),
            opt_out_type=fields.get("OptOutType", ""),
            provider_id=sid,
        )
    return HttpResponse(NO_REPLY, content_type="text/xml")


def _channel_of(prefix: str) -> str:
    """The channel of an address with this `prefix`; empty for a channel that we do not send on.

    A Messaging Service turns our SMS into RCS where the phone takes it.
    https://www.twilio.com/docs/messaging/channels
    """
    if prefix in channel_names():
        return prefix
    return {"": "sms", "whatsapp": "whatsapp", "rcs": "sms"}.get(prefix, "")


def _report(fields: Mapping[str, str]) -> DeliveryReport | None:
    """The report that the status makes; None while the message is still inside Twilio."""
    error = _matched(ERROR, fields.get("ErrorCode") or "0", name="ErrorCode")
    status = _matched(STATUS, fields.get("MessageStatus"), name="MessageStatus")
    if status not in RECEIPT_STATUSES:
        return _unknown_status(status)
    reached = RECEIPT_STATUSES[status]
    if reached is ReceiptStatus.UNDELIVERED:
        return undelivered(int(error), fields.get("ErrorMessage", ""))
    return DeliveryReport(reached) if reached else None


def _unknown_status(status: str) -> DeliveryReport:
    """A status that Twilio has added since: its name becomes the report's code. It proves that Twilio has the message.

    If it begins with a known status, or a known one with it, the signed text was divided elsewhere.
    """
    if any(known.startswith(status) or status.startswith(known) for known in RECEIPT_STATUSES):
        raise Refused(400, "a status divided otherwise")
    return DeliveryReport(ReceiptStatus.SENT, code=f"twilio_{status}")


def _matched(pattern: re.Pattern[str], value: str | None, *, name: str) -> str:
    if value is None or not pattern.fullmatch(value):
        raise Refused(400, f"{name} is not in Twilio's shape")
    return value
