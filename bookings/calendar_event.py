"""What a message's context keeps of a booking's event in calendars (RFC 5545): bookings/documents writes the file.

The event keeps its UID for good. SEQUENCE is the number of seconds from the booking to its last change, so a later
change has a higher one, whichever process publishes it, and a calendar takes no older file for a newer one.
"""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bookings.models import Booking

MOST_SEQUENCE = 2**31 - 1


def event_of(booking: Booking) -> dict[str, Any]:
    """The event's UID, SEQUENCE, and the moment (ISO 8601) of the change that it tells of."""
    changed_at = booking.cancelled_at or booking.moved_at
    return {
        "uid": str(uuid5(NAMESPACE_URL, f"booking:{booking.pk}:{booking.created_at.isoformat()}")),
        "sequence": _sequence(booking.created_at, changed_at) + bool(booking.cancelled_at),
        "stamp": (changed_at or booking.created_at).isoformat(),
    }


def _sequence(made_at: datetime, changed_at: datetime | None) -> int:
    """At least 1 for a change, also if the clocks of two hosts differ."""
    seconds = int((changed_at - made_at).total_seconds()) if changed_at else -1
    return min(max(seconds + 1, int(changed_at is not None)), MOST_SEQUENCE - 1)
