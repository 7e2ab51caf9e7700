"""Makes and reads the links at which a provider fetches a message's file. They are signed, and expire.

A link names the message and which of its files it is. The file itself is built when somebody asks for it. Nobody can
guess or extend a link. It is the same for an hour at least, so that attempts close to each other send the same.
"""

from typing import NamedTuple

from django.core import signing

from notifications.content import letter_settings
from notifications.content.link_signatures import link_signer
from notifications.content.public_links import public_link

SALT = "notifications.media"
VIEW = "notifications:media"
HOUR = 3600


class Wanted(NamedTuple):
    """Which file is asked for: the message's, by its place among the channel's files."""

    message_id: int
    place: int


class InvalidLink(Exception):
    """The token is not one that we signed, or its time is over."""


def media_link(wanted: Wanted, *, now: float) -> str:
    """The file's public address; empty without PUBLIC_URL, or where the project's URLs do not include the view.

    `now` is the time since 1970, in seconds.
    """
    expires = (int(now) // HOUR + 1) * HOUR + round(letter_settings.media_hours() * HOUR)
    return public_link(VIEW, link_signer(SALT).sign_object([*wanted, expires]))


def read(token: str, *, now: float) -> Wanted:
    """What the link with this token leads to. Raises InvalidLink."""
    try:
        message_id, place, expires = map(int, link_signer(SALT).unsign_object(token))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidLink from error
    if now >= expires:
        raise InvalidLink
    return Wanted(message_id, place)
