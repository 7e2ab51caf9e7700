"""The page's names for a message's channel, kind and state. The script on the page uses the same names."""

from typing import Any

CHANNELS = {"sms": "SMS", "whatsapp": "WhatsApp", "email": "Email"}
KINDS = {
    "booking.confirmed": "Confirmation",
    "booking.cancelled": "Cancellation",
    "booking.reminder": "Reminder",
    "slot.cancelled": "Cancelled by us",
    "slot.moved": "Moved by us",
    "payment.refunded": "Refund",
    "payment.failed": "Payment failed",
}
STATUSES = {
    "queued": "waiting",
    "pending": "waiting",
    "sending": "being sent",
    "sent": "sent",
    "failed": "could not be sent",
    "cancelled": "withdrawn",
    "expired": "not sent: too late",
}
REFUNDS = {
    "requested": "on its way",
    "pending": "on its way",
    "succeeded": "refunded",
    "failed": "delayed: we are looking into it",
}
ALL = {"channels": CHANNELS, "kinds": KINDS, "statuses": STATUSES, "refunds": REFUNDS}


def of(message: Any) -> dict[str, Any]:
    """A message with the page's names. What has no name here keeps its own."""
    status = STATUSES.get(message.status, message.status)
    return {
        "id": message.pk,
        "channel": CHANNELS.get(message.channel, message.channel),
        "kind": KINDS.get(message.kind, message.kind),
        "status": message.receipt or status,
        "state": message.status,
    }
