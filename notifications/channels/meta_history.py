"""Reads Meta's message history: the events of one message, of which the farthest counts.

https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number, and
`/message_history` in Meta's OpenAPI description.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from notifications.channels.base import DeliveryReport
from notifications.channels.meta_codes import report_of
from notifications.lifecycle import ReceiptStatus, Transient
from notifications.policy.masking import masked

RANKS = list(ReceiptStatus)  # from the least to the farthest


def farthest_of(document: Any, name: str) -> DeliveryReport | Transient | None:
    """What the history says of the message that Meta calls `name`; None: nothing."""
    entries = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        return Transient("asking_unreadable_answer")
    ours = [entry for entry in entries if isinstance(entry, Mapping) and entry.get("message_id") == name]
    return max(_reports(ours), key=lambda report: RANKS.index(report.status), default=None)


def _reports(entries: list[Mapping[str, Any]]) -> Iterator[DeliveryReport]:
    for entry in entries:
        events = entry.get("events")
        told = events.get("data") if isinstance(events, Mapping) else None
        for event in told if isinstance(told, list) else []:
            status = str(event.get("delivery_status", "")).lower() if isinstance(event, Mapping) else ""
            report = report_of(status, None, masked(str(event.get("error_description") or ""), "")) if status else None
            if report:
                yield report
