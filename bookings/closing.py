"""A customer closes their account: they are forgotten at once, after their password or a code.

What closing means is `bookings.erasure`'s. A code counts only from an address that opens the account (`accounts.find`).
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from bookings import access_codes, accounts
from bookings.access_codes import Asked
from bookings.erasure import erase_customer
from bookings.errors import InvalidCode
from bookings.models import Booking
from notifications import outbox

ACTOR, REASON = "the customer", "closed their account"


def upcoming(user: User) -> QuerySet[Booking]:
    """The bookings that stay, and about which we can no longer write: paid, and not begun; the next one first."""
    ahead = Booking.objects.filter(
        user=user, status=Booking.Status.CONFIRMED, slot__starts_at__gt=timezone.now()
    ).select_related("slot")
    return ahead.order_by("slot__starts_at", "pk")


def address_for_code(user: User) -> str:
    """Where a code can go that closes the account; empty if nowhere."""
    contact = outbox.contact_of(user)
    known = (("email", contact.email), ("phone", contact.phone))
    return next((address for field, address in known if address and _opens(field, address, user)), "")


def close(user: User) -> None:
    """Forget the customer, who has just given their password. Raises StaffAreNotErased."""
    erase_customer(user, actor=ACTOR, reason=REASON)


def close_by_code(user: User, asked: Asked, *, code: str) -> None:
    """Forget the customer. Raises InvalidCode, also for a code that proves somebody else's address."""
    with transaction.atomic():
        proof = access_codes.spend(asked, code)
    if proof is None or not _opens(proof.field, proof.address, user):
        raise InvalidCode
    close(user)


def _opens(field: str, address: str, user: User) -> bool:
    found = accounts.find(field, address)
    return found.customer == user and not found.is_too_new
