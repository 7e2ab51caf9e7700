"""Resend's errors and events, and what each means for an email.

https://resend.com/docs/api-reference/errors and https://resend.com/docs/webhooks/event-types. An error has a name
beside its HTTP status; one that is not listed goes by its status.
"""

from collections.abc import Mapping
from typing import Any

from notifications.channels.base import DeliveryReport
from notifications.channels.refusals import Meaning
from notifications.lifecycle import Reason, ReceiptStatus

SENT_BEFORE = "invalid_idempotent_request"  # an email with this key was sent within a day, in other words
UNDER_WAY = "concurrent_idempotent_requests"

ERRORS: dict[str, Meaning] = {
    "missing_api_key": Meaning.TRANSIENT,  # mended without touching the message, as are the next two
    "restricted_api_key": Meaning.TRANSIENT,
    "invalid_api_key": Meaning.TRANSIENT,
    UNDER_WAY: Meaning.TRANSIENT,  # "Try the request again later."
    "rate_limit_exceeded": Meaning.THROTTLED,
    "daily_quota_exceeded": Meaning.THROTTLED,
    "monthly_quota_exceeded": Meaning.THROTTLED,
    "application_error": Meaning.UNSURE,  # "An unexpected error occurred."
    "internal_server_error": Meaning.UNSURE,
    "validation_error": Meaning.PERMANENT,
    "missing_required_field": Meaning.PERMANENT,
    "invalid_attachment": Meaning.PERMANENT,
    "invalid_from_address": Meaning.PERMANENT,
    "invalid_access": Meaning.PERMANENT,
    "invalid_parameter": Meaning.PERMANENT,
    "invalid_region": Meaning.PERMANENT,
    "invalid_idempotency_key": Meaning.PERMANENT,
    "not_found": Meaning.PERMANENT,
    "method_not_allowed": Meaning.PERMANENT,
    "security_error": Meaning.PERMANENT,
}
QUOTA_SECONDS = 300.0  # a quota of a day or a month: asked again only now and then

EVENTS: dict[str, ReceiptStatus] = {
    "sent": ReceiptStatus.SENT,
    "delivery_delayed": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    # Not opened and clicked as read: many mailboxes open every email, and follow its links, by themselves.
    "opened": ReceiptStatus.DELIVERED,
    "clicked": ReceiptStatus.DELIVERED,
    "bounced": ReceiptStatus.BOUNCED,
    "failed": ReceiptStatus.BOUNCED,
    "suppressed": ReceiptStatus.BOUNCED,  # Resend does not write to who has bounced or complained before
    "canceled": ReceiptStatus.BOUNCED,
    "complained": ReceiptStatus.COMPLAINED,
}


def report_of(event: str, *, bounce: Mapping[str, Any] | None = None) -> DeliveryReport | None:
    """The report that an event makes, with what a webhook tells of a `bounce`; None for one that says nothing of it."""
    reached = EVENTS.get(event)
    if reached is ReceiptStatus.COMPLAINED:
        return DeliveryReport(reached, "resend_spam", reason=Reason.OPTED_OUT)
    if reached is not ReceiptStatus.BOUNCED:
        return DeliveryReport(reached) if reached else None
    told = bounce or {}
    is_for_good = event == "bounced" and told.get("type") == "Permanent"
    detail = str(told.get("message") or "")
    return DeliveryReport(reached, f"resend_{event}", detail, reason=Reason.ADDRESS_INVALID if is_for_good else None)
