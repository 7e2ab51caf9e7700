"""A customer has a message about a booking sent again: which ones may be, and doing it.

What may be sent again, how often, and where it goes, is the outbox's to say (`outbox.send_again`). A customer chooses
among the messages about their own booking alone, the latest of each kind.
"""

from dataclasses import dataclass

from bookings.errors import NotSentAgain
from bookings.models import Booking
from notifications import outbox


@dataclass(frozen=True, slots=True)
class Way:
    """A message that may be sent again, and on which channel."""

    message_id: int
    kind: str
    channel: str


def ways_of(booking: Booking) -> list[Way]:
    """What may be sent again about the booking, the latest message of each kind and channel."""
    about = outbox.messages_about([booking.reference])[booking.reference]
    found: dict[tuple[str, str], Way] = {}
    for message in about:
        for channel in outbox.ways_again(message):
            if channel == message.channel or (message.kind, channel) not in found:
                found[message.kind, channel] = Way(message.pk, message.kind, channel)
    return list(found.values())


def send_again(booking: Booking, *, message_id: int, channel: str) -> None:
    """Send one of `ways_of` the booking again. Raises NotSentAgain."""
    if not any((way.message_id, way.channel) == (message_id, channel) for way in ways_of(booking)):
        raise NotSentAgain("gone")
    try:
        outbox.send_again(message_id, channel=channel, actor="the customer", reason="asked for on the booking's page")
    except outbox.NotSentAgain as error:
        raise NotSentAgain(error.code) from error
