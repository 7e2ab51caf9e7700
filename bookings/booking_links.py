"""The short link to a booking, in messages about it: for a guest it is the key, for a customer the way to their page.

It is signed, names the booking alone, and holds as long as the booking. Whoever has it may do what the customer may do
with this booking, and nothing else; so it stays out of the log.
"""

from notifications import outbox, shards
from notifications.content.link_signatures import number_of, signed_number
from notifications.content.until_settings_change import until_settings_change

SALT = "booking"
VIEW = "booking-by-link"
ANY = "0-any-booking"  # stands for a token


def link_for(booking_id: int) -> str:
    """The public address of the link; empty without PUBLIC_URL."""
    return _of_any(shards.current()).replace(ANY, token_of(booking_id))


def token_of(booking_id: int) -> str:
    """What the link's address carries."""
    return signed_number(booking_id, salt=SALT)


def booking_of(token: str) -> int | None:
    """The ID of the booking that the link leads to; None if we did not make it."""
    return number_of(token, salt=SALT)


@until_settings_change
def _of_any(shard: str) -> str:  # noqa: ARG001  (each has an address of its own)
    """Django takes as long to find an address as to render a message: it is found once."""
    return outbox.public_link(VIEW, ANY)
