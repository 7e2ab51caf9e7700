"""The link in the message to an old address, by which its reader undoes the change. It holds for a limited time.

Opening it changes nothing, because mail scanners open links: a button on its page does. Undoing signs everything out,
because somebody else may be signed in.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from bookings import own_security
from notifications import outbox, verification
from notifications.content.link_signatures import number_of, signed_number

SALT = "undo"
VIEW = "undo-by-link"
Change = verification.AddressChange


def link_for(change_id: int) -> str:
    """The public address of the link; empty without PUBLIC_URL."""
    return outbox.public_link(VIEW, token_of(change_id))


def token_of(change_id: int) -> str:
    """What the link's address carries."""
    return signed_number(change_id, salt=SALT)


def change_of(token: str) -> Change | None:
    """The change that the link may undo now; None if it is too late, or done, or we did not make the link."""
    change_id = number_of(token, salt=SALT)
    return None if change_id is None else verification.change_to_undo(change_id, within=_limit())


@transaction.atomic
def undo(change: Change) -> bool:
    """Give the old address back, and end every session and token; False if it is too late by now."""
    undone = verification.undo_change(change.pk, within=_limit())
    user = undone.recipient.user if undone else None
    if user is not None:
        own_security.store_password(user, user.password)
    return undone is not None


def _limit() -> timedelta:
    """As long as a new address opens nothing, at least a day."""
    return timedelta(hours=max(24, settings.CUSTOMER_ADDRESS_HOURS))
