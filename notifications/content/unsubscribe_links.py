"""The links by which someone unsubscribes without logging in: signed, so that nobody can make one for somebody else.

A link says whom, which channel and which purpose, and holds for ever: RFC 8058 wants it to work from any copy of the
message. It is the same over all attempts at a message.
"""

from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.urls import NoReverseMatch, reverse

from notifications.kinds import Purpose

SALT = "notifications.unsubscribe"
UNSUBSCRIBABLE = frozenset({Purpose.REMINDER})  # a confirmed booking is nothing to unsubscribe from


class Subscription(NamedTuple):
    """What a link ends."""

    recipient_id: int
    channel: str
    purpose: Purpose


class InvalidLink(Exception):
    """No link of ours."""


def link_for(subscription: Subscription) -> str:
    """The address that ends `subscription`; empty if there is none: no such purpose, or no PUBLIC_URL."""
    if subscription.purpose not in UNSUBSCRIBABLE:
        return ""
    public_url: str = getattr(settings, "PUBLIC_URL", "")
    if not public_url:
        return ""
    facts = [subscription.recipient_id, subscription.channel, subscription.purpose.value]
    token = signing.Signer(salt=SALT).sign_object(facts)
    try:
        return public_url.rstrip("/") + reverse("notifications:unsubscribe", args=[token])
    except NoReverseMatch:  # the project has not included notifications.urls
        return ""


def read(token: str) -> Subscription:
    """What the link with this token ends. Raises InvalidLink."""
    try:
        recipient_id, channel, purpose = signing.Signer(salt=SALT).unsign_object(token)
        return Subscription(recipient_id, channel, Purpose(purpose))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidLink from error
