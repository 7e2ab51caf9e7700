"""Makes and reads the links for unsubscribing without a login. They are signed, so nobody can forge one.

A link names the recipient, the channel and the purpose. It never expires, because RFC 8058 wants it to work from any
copy of the message, and it is the same in all attempts at a message. Links that an earlier key signed still work.
"""

from typing import NamedTuple

from django.core import signing

from notifications.content.link_signatures import link_signer
from notifications.content.public_links import public_link, public_url
from notifications.kinds import Purpose

SALT = "notifications.unsubscribe"
VIEW = "notifications:unsubscribe"
UNSUBSCRIBABLE = frozenset({Purpose.REMINDER})  # a confirmed booking is nothing to unsubscribe from


class Subscription(NamedTuple):
    """Whom a link unsubscribes, and from what."""

    recipient_id: int
    channel: str
    purpose: Purpose


class InvalidLink(Exception):
    """The token is not one that we signed."""


def link_for(subscription: Subscription) -> str:
    """The address that ends `subscription`; empty if there is none: no such purpose, no PUBLIC_URL, or no such view."""
    if subscription.purpose not in UNSUBSCRIBABLE or not public_url():
        return ""
    facts = [subscription.recipient_id, subscription.channel, subscription.purpose.value]
    return public_link(VIEW, link_signer(SALT).sign_object(facts))


def read(token: str) -> Subscription:
    """The subscription that the link with this token ends. Raises InvalidLink."""
    try:
        recipient_id, channel, purpose = link_signer(SALT).unsign_object(token)
        return Subscription(recipient_id, channel, Purpose(purpose))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidLink from error
