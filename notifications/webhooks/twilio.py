"""What Twilio tells: the status of messages that it accepted, and messages that people wrote to us.

    POST /webhooks/twilio/status/?message=12&claim=3    the URL that the channel gave Twilio with the message
    POST /webhooks/twilio/inbound/                      the URL in the settings of a number or a Messaging Service

Answered with 2xx, a status is not told again; an inbound message is answered with empty TwiML, so that nobody gets a
reply. https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and …/messaging/twiml
"""

import re
from collections.abc import Callable, Mapping
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from notifications.channels.base import DeliveryReport
from notifications.channels.twilio_codes import RECEIPT_STATUSES, undelivered
from notifications.lifecycle import ReceiptStatus
from notifications.receipts import record
from notifications.recipients import inbound
from notifications.telemetry import emit
from notifications.webhooks.signed_forms import Refused, read_signed_form

CHANNELS = ["sms", "whatsapp"]
NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

STATUS_FIELDS = frozenset({"AccountSid", "MessageSid", "MessageStatus", "ErrorCode", "ErrorMessage"})
INBOUND_FIELDS = frozenset({"AccountSid", "MessageSid", "From", "Body", "OptOutType"}) | {
    f"From{place}" for place in ("City", "State", "Zip", "Country")
}
SID = re.compile("(?:SM|MM)[0-9a-fA-F]{32}")
NUMBER = re.compile("[0-9]{1,18}")
ERROR = re.compile("[0-9]{1,6}")
PHONE = re.compile(r"\+[1-9][0-9]{1,14}")

View = Callable[[HttpRequest], HttpResponse]


def _signed_by_twilio(view: View) -> View:
    """Refusals as answers, without a word about what was wrong; the log has it."""

    @csrf_exempt  # Twilio's signature says who is speaking
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except Refused as refusal:
            emit("webhook.refused", provider="twilio", reason=refusal.reason)
            return HttpResponse(status=refusal.status, headers={"Allow": "POST"} if refusal.status == 405 else None)

    return guarded


@_signed_by_twilio
def status(request: HttpRequest) -> HttpResponse:
    """What became of a message that Twilio accepted, kept as its receipt."""
    fields = read_signed_form(request, known=STATUS_FIELDS)
    sid = _matched(SID, fields.get("MessageSid"), name="MessageSid")
    reached = _receipt_status(fields)
    error = _matched(ERROR, fields.get("ErrorCode") or "0", name="ErrorCode")
    message, claim = (_matched(NUMBER, request.GET.get(name, "0"), name=name) for name in ("message", "claim"))
    if reached is not None:
        words = fields.get("ErrorMessage", "")
        report = undelivered(int(error), words) if reached is ReceiptStatus.UNDELIVERED else DeliveryReport(reached)
        about = record.MessageReport(message_id=int(message), claim_number=int(claim), provider_id=sid, report=report)
        record.record(about, channels=CHANNELS)
    return HttpResponse(status=204)


@_signed_by_twilio
def receive(request: HttpRequest) -> HttpResponse:
    """Someone wrote to us: their wish, if it is one, and the conversation that it opens."""
    fields = read_signed_form(request, known=INBOUND_FIELDS)
    _matched(SID, fields.get("MessageSid"), name="MessageSid")
    sender = fields.get("From", "")
    channel, phone = ("whatsapp", sender.removeprefix("whatsapp:")) if ":" in sender else ("sms", sender)
    if PHONE.fullmatch(phone):  # else a short code, or a channel that is none of ours: nobody we write to
        inbound.receive(
            phone=phone, channel=channel, text=fields.get("Body", ""), opt_out_type=fields.get("OptOutType", "")
        )
    return HttpResponse(NO_REPLY, content_type="text/xml")


def _receipt_status(fields: Mapping[str, str]) -> ReceiptStatus | None:
    try:
        return RECEIPT_STATUSES[fields.get("MessageStatus", "")]
    except KeyError:
        raise Refused(400, "unknown MessageStatus") from None


def _matched(pattern: re.Pattern[str], value: str | None, *, name: str) -> str:
    if value is None or not pattern.fullmatch(value):
        raise Refused(400, f"{name} is not in Twilio's shape")
    return value
