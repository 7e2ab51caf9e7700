"""What the page of a booking shows, for its customer and for who holds its link."""

from typing import Any

from django.utils import timezone

from bookings import cancellation
from bookings.api import selectors
from bookings.models import Booking
from bookings.pages import words


def context_of(shown: Booking, *, cancel_at: str, state_at: str) -> dict[str, Any]:
    """The template's context. `cancel_at` and `state_at`: the addresses that cancel it, and that say what waits."""
    about = selectors.messages_about([shown])[shown.reference]
    now = timezone.now()
    refund = getattr(shown.payment, "refund", None) if shown.status == Booking.Status.CANCELLED else None
    return {
        "booking": shown,
        "messages_about": [words.of(message) for message in about],
        "words": words.for_booking(),
        "state": words.BOOKINGS[shown.status],
        "refund": refund,
        "refund_status": refund and words.REFUNDS[refund.status],
        "is_cancellable": shown.status == Booking.Status.CONFIRMED and shown.slot.starts_at > now,
        "refundable": cancellation.refund_due(shown, now=now),
        "cancel_at": cancel_at,
        "state_at": state_at,
    }
