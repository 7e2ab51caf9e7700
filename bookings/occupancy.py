"""Who comes to a slot: for staff, on screen, on paper and as CSV."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bookings.models import Booking, Slot
from notifications import outbox

HEADER = ("Booking", "Name", "Seats", "Phone", "Email", "Booked (UTC)", "Checked in (UTC)")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # OWASP: CSV injection
LINE_END = "\r\n"  # RFC 4180


@dataclass(frozen=True, slots=True)
class Guest:
    """A booking, and who comes by it."""

    booking: int
    name: str
    seats: int
    phone: str
    email: str
    booked_at: datetime
    checked_in_at: datetime | None


def guests(slot: Slot) -> list[Guest]:
    """The confirmed bookings of the slot, by name."""
    booked = Booking.objects.filter(slot=slot, status=Booking.Status.CONFIRMED).select_related("user")
    return sorted(map(_guest, booked), key=lambda guest: (guest.name.casefold(), guest.booking))


def _guest(booking: Booking) -> Guest:
    contact = outbox.contact_of(booking.user)
    return Guest(
        booking.pk,
        booking.user.get_full_name() or booking.user.get_username(),
        booking.quantity,
        contact.phone,
        contact.email,
        booking.created_at,
        booking.checked_in_at,
    )


def as_csv(people: Iterable[Guest]) -> str:
    """A table for spreadsheets, in which nothing that somebody typed is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=LINE_END)
    writer.writerow(HEADER)
    for guest in people:
        moments = (_moment(guest.booked_at), _moment(guest.checked_in_at))
        writer.writerow(map(safe, (guest.booking, guest.name, guest.seats, guest.phone, guest.email, *moments)))
    return "\ufeff" + out.getvalue()  # with a mark, by which spreadsheets know UTF-8


def safe(value: object) -> object:
    """`value`, with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
