"""The link beside a code, in the same message: it saves typing. Whoever opens it gets a page with the code filled in.

Opening it uses nothing up, because mail scanners follow links: a button on the page spends the code. It holds as long
as its code, for the same purpose, and once.
"""

from enum import StrEnum

from django.utils.http import base36_to_int, int_to_base36

from bookings.access_codes import Purpose
from notifications import outbox
from notifications.content.link_signatures import is_signature, signature

SALT = "code"
VIEW = "code-by-link"


class Way(StrEnum):
    """What the code opens, in one letter of the link."""

    SIGN_UP = "u"
    SIGN_IN = "i"
    RESET = "r"
    CLOSE = "c"
    GUEST = "g"
    ADDRESS = "a"  # a customer's new address


WAYS = {
    Purpose.SIGN_UP: Way.SIGN_UP,
    Purpose.SIGN_IN: Way.SIGN_IN,
    Purpose.RESET: Way.RESET,
    Purpose.CLOSE: Way.CLOSE,
    Purpose.GUEST: Way.GUEST,
}


def link_for(code_id: int, *, purpose: str) -> str:
    """The public address of the link for a code; no `purpose`: it confirms an address. Empty without PUBLIC_URL."""
    way = WAYS[Purpose(purpose)] if purpose else Way.ADDRESS
    return outbox.public_link(VIEW, token_of(code_id, way=way))


def token_of(code_id: int, *, way: Way) -> str:
    """What the link's address carries."""
    named = f"{way}{int_to_base36(code_id)}"
    return f"{named}-{signature(named, salt=SALT)}"


def read(token: str) -> tuple[Way, int] | None:
    """What the code is for, and its ID; None if we did not make the link."""
    named, _, signed = token.partition("-")
    if not is_signature(signed, named, salt=SALT):
        return None
    return Way(named[0]), base36_to_int(named[1:])
