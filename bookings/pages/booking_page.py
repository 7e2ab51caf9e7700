"""What the page of a booking shows, for its customer and for who holds its link."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from bookings import cancellation, repeats
from bookings.api import selectors
from bookings.errors import BookingError
from bookings.models import Booking
from bookings.pages import documents, words
from bookings.pages.documents import Document


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the page's forms lead, where its script asks what waits, and what the documents' addresses begin with."""

    cancel: str
    again: str
    state: str
    document: str  # the beginning of each document's address


def addresses(*pages: str, of: object) -> Addresses:
    """The addresses by the names of their pages; `of` is what they name: the booking's ID, or the link's token."""
    return Addresses(*(reverse(page, args=[of]) for page in pages))


def send_again(request: HttpRequest, booking: Booking) -> None:
    """What the form asks for; the next page says whether it is done."""
    message_id, _, channel = request.POST.get("way", "").partition(":")
    try:
        repeats.send_again(booking, message_id=int(message_id) if message_id.isdecimal() else 0, channel=channel)
    except BookingError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, gettext("It is on its way again."))


def cancel(request: HttpRequest, booking: Booking) -> None:
    """Cancel the booking; the next page says whether it is done."""
    try:
        cancellation.cancel(booking.pk)
    except BookingError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, gettext("Your booking is cancelled."))


def context_of(shown: Booking, *, addresses: Addresses) -> dict[str, Any]:
    """The template's context."""
    about = selectors.messages_about([shown])[shown.reference]
    now = timezone.now()
    offered = documents.offered(shown, now=now)
    refund = getattr(shown.payment, "refund", None) if shown.status == Booking.Status.CANCELLED else None
    return {
        "booking": shown,
        "messages_about": [words.of(message, error_code=message.error_code) for message in about],
        "words": words.for_booking(),
        "state": words.BOOKINGS[shown.status],
        "refund": refund,
        "refund_status": refund and words.REFUNDS[refund.status],
        "is_cancellable": shown.status == Booking.Status.CONFIRMED and shown.slot.starts_at > now,
        "refundable": cancellation.refund_due(shown, now=now),
        "ways_again": [(way, words.again(way)) for way in repeats.ways_of(shown)],
        "addresses": addresses,
        "has_event": Document.CALENDAR in offered,
        "has_code": Document.CODE in offered,
    }
