"""The page's names for a message's channel, kind and state, and what the scripts on the pages say."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.repeats import Way

Names = dict[str, str | Promise]

CHANNELS: Names = {"sms": _("SMS"), "whatsapp": _("WhatsApp"), "email": _("Email"), "webpush": _("Notification")}
KINDS: Names = {
    "booking.confirmed": _("Confirmation"),
    "booking.cancelled": _("Cancellation"),
    "booking.reminder": _("Reminder"),
    "slot.cancelled": _("Cancelled by us"),
    "slot.moved": _("Moved by us"),
    "payment.refunded": _("Refund"),
    "payment.failed": _("Payment failed"),
}
STATUSES: Names = {
    "queued": _("waiting"),
    "pending": _("waiting"),
    "sending": _("being sent"),
    "sent": _("sent"),
    "failed": _("could not be sent"),
    "cancelled": _("withdrawn"),
    "expired": _("not sent: too late"),
}
RECEIPTS: Names = {
    "delivered": _("delivered"),
    "read": _("read"),
    "undelivered": _("not delivered"),
    "bounced": _("not delivered"),
}
REFUNDS: Names = {
    "requested": _("on its way"),
    "pending": _("on its way"),
    "succeeded": _("refunded"),
    "failed": _("delayed: we are looking into it"),
}
HELD = _("delayed: we are mending it, and send it then")
NO_ADDRESS: Names = {  # of a channel that was left out, because others reach the customer
    "sms": _("no number given"),
    "whatsapp": _("no number given"),
    "email": _("no address given"),
}
BOOKINGS: Names = {"confirmed": _("confirmed"), "cancelled": _("cancelled")}
LIVE: Names = {"news": _("{kind} by {channel}: {state}")}  # read aloud when a message's state changes
HOLD: Names = {"left": _("({time} left)"), "over": _("(the time is over; if seats are left, you can still pay)")}
CHECKOUT: Names = {
    "failed": _("The payment did not go through. Please try again."),
    "paid": _("Paid. We are booking your seats …"),
    "waiting": _(
        "Paid, but we cannot book your seats just now. Do not pay again: keep this page open, we keep trying."
    ),
    "dismissed": _("You have not paid. Your seats are still held."),
    "missing": _("The payment form could not be loaded. Please reload this page in a moment."),
}


def for_booking() -> dict[str, dict[str, str]]:
    """What the script of a booking's page says, in the page's language."""
    groups = {
        "channels": CHANNELS,
        "kinds": KINDS,
        "statuses": STATUSES,
        "receipts": RECEIPTS,
        "refunds": REFUNDS,
        "live": LIVE,
    }
    return {name: said(names) for name, names in groups.items()}


def said(names: Names) -> dict[str, str]:
    """The names in the page's language."""
    return {name: str(words) for name, words in names.items()}


def of(message: Any, *, error_code: str = "") -> dict[str, Any]:
    """A message with the page's names. What has no name here keeps its own."""
    status, state = STATUSES.get(message.status, message.status), message.status
    if (state, error_code) == ("cancelled", "no_address"):
        status, state = NO_ADDRESS.get(message.channel, status), "cancelled left-out"
    elif (state, error_code) == ("pending", "words_held"):
        status = HELD
    return {
        "id": message.id,
        "channel": CHANNELS.get(message.channel, message.channel),
        "kind": KINDS.get(message.kind, message.kind),
        "status": RECEIPTS.get(message.receipt, message.receipt) or status,
        "state": state,
    }


def again(way: Way) -> str:
    """A message that may be sent again, in the words of a list to choose from."""
    named = {"kind": KINDS.get(way.kind, way.kind), "channel": CHANNELS.get(way.channel, way.channel)}
    return gettext("%(kind)s by %(channel)s") % named
