"""What a customer takes along from a booking's page: the event for a calendar, the receipt, the code for the door.

They are made when they are asked for, of the booking as it is now. Who may have them is for the callers to check.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language

from bookings import announcements
from bookings.models import Booking
from notifications.outbox import Facts


class Document(StrEnum):
    """By its name in addresses."""

    CALENDAR = "calendar.ics"
    RECEIPT = "receipt.pdf"
    CODE = "code.png"


NAMES = {Document.CALENDAR: "booking-{}.ics", Document.RECEIPT: "receipt-{}.pdf", Document.CODE: "ticket-{}.png"}
TYPES = {Document.CALENDAR: "text/calendar", Document.RECEIPT: "application/pdf", Document.CODE: "image/png"}


def offered(booking: Booking, *, now: datetime) -> set[Document]:
    """The receipt always; the others as long as somebody is expected. Without PUBLIC_URL a code would lead nowhere."""
    if booking.status != Booking.Status.CONFIRMED or booking.slot.ends_at <= now:
        return {Document.RECEIPT}
    has_code = bool(announcements.facts_of(booking)["check_in"])
    return {Document.RECEIPT, Document.CALENDAR} | ({Document.CODE} if has_code else set())


def answer(booking: Booking, document: Document) -> HttpResponse:
    """The document to be saved; the code to be shown. Raises Http404 for one that is not offered."""
    possible = offered(booking, now=timezone.now())
    facts = announcements.facts_of(booking)
    if Document.CODE not in possible:
        facts["check_in"] = ""  # the receipt shows it, too
    zone = str(timezone.get_current_timezone())
    content = _builder(document)(Facts("", "", facts, get_language() or "", zone)) if document in possible else None
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type=TYPES[document])
    kept = "inline" if document is Document.CODE else "attachment"
    response["Content-Disposition"] = f'{kept}; filename="{NAMES[document].format(booking.pk)}"'
    return response


def _builder(document: Document) -> Callable[[Facts], bytes | None]:
    """Their libraries are loaded by who makes one: other pages need none."""
    from bookings.documents import calendar_file, receipt, ticket  # noqa: PLC0415

    builders = {
        Document.CALENDAR: calendar_file.to_keep,
        Document.RECEIPT: receipt.of_booking,
        Document.CODE: ticket.of_booking,
    }
    return builders[document]
