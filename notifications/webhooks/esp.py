"""Turns email providers' events into receipts. django-anymail's own views authenticate and parse them.

A complaint and an unsubscription are opt-outs as well: no more email.
"""

import re
from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking

from notifications.channels.attempt_reference import message_of
from notifications.channels.base import DeliveryReport
from notifications.lifecycle import Reason, ReceiptStatus
from notifications.receipts.record import MessageReport, record

# https://anymail.dev/en/stable/sending/tracking/#anymail.signals.AnymailTrackingEvent.event_type. Not `opened`: many
# mailboxes open every email by themselves.
RECEIPT_STATUSES = {
    "sent": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    "bounced": ReceiptStatus.BOUNCED,
    "rejected": ReceiptStatus.BOUNCED,
    "failed": ReceiptStatus.BOUNCED,
    "complained": ReceiptStatus.COMPLAINED,
}
REASONS = {
    "spam": Reason.OPTED_OUT,
    "unsubscribed": Reason.OPTED_OUT,
    "invalid": Reason.ADDRESS_INVALID,
    "bounced": Reason.ADDRESS_INVALID,
}
OURS = re.compile("<?(outbox-[^@]*)@.*")
NUMBER = re.compile("[0-9]{1,18}")


def connect() -> None:
    """Subscribe to anymail's events. Called once, when Django starts, if anymail is installed."""
    tracking.connect(record_event, dispatch_uid="notifications.webhooks.esp")


def record_event(sender: type, event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:  # noqa: ARG001  (anymail's)
    """Record what the event says about one of our messages. All other events change nothing."""
    status, (message, shard) = RECEIPT_STATUSES.get(event.event_type or ""), _message_of(event)
    if status is None or not message:
        return
    is_bad = status is not ReceiptStatus.SENT and status is not ReceiptStatus.DELIVERED
    why = event.reject_reason or ("spam" if status is ReceiptStatus.COMPLAINED else "")
    report = DeliveryReport(
        status,
        code=f"{esp_name.lower()}_{why or event.event_type}" if is_bad else "",
        detail=str(event.description or event.mta_response or "") if is_bad else "",
        reason=REASONS.get(why) if is_bad else None,
    )
    provider_id = str(event.message_id or f"outbox-{message}")
    about = MessageReport(message, provider_id, report, claim_number=_number(event, "claim"), shard=shard)
    record(about, channels=["email"])


def _message_of(event: AnymailTrackingEvent) -> tuple[int, str]:
    """Our message's id and its shard, if it names one, from its metadata or its Message-ID; 0 if it is not ours."""
    if number := _number(event, "outbox"):
        return number, str((event.metadata or {}).get("shard", ""))
    match = OURS.fullmatch(str(event.message_id or ""))
    return (message_of(match[1]) if match else None) or (0, "")


def _number(event: AnymailTrackingEvent, name: str) -> int:
    text = str((event.metadata or {}).get(name, ""))
    return int(text) if NUMBER.fullmatch(text) else 0
