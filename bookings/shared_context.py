"""What templates of all our messages may use without each message carrying it (OUTBOX_CONTEXT).

It is made when a message is sent. So a message that an earlier release published, or one that has waited, has it too.
"""

from typing import Any

from bookings.business import business
from notifications import outbox


def context_of(message: outbox.Facts) -> dict[str, Any]:
    """`business`, and for a message about a booking `booking_url`, its page's address; empty without PUBLIC_URL."""
    shared: dict[str, Any] = {"business": business()}
    if isinstance(booking := message.context.get("booking"), int):
        shared["booking_url"] = outbox.public_link("booking-page", booking)
    return shared
