"""Guests: people who book with an email address and a phone number that they proved, and without a password.

A guest is an account that nobody can sign in to by a password. It is found again by its address, as any account: by the
link in each message, or by another code. Who signs up with the address later makes an account of it, with its bookings;
a customer who proves the address takes them over. So nobody gets what is another address's.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings import access_codes, accounts
from bookings.access_codes import Asked, Purpose
from bookings.accounts import GUEST, is_guest
from bookings.erasure import erase_customer
from bookings.errors import AddressRefused, AddressTooNew, InvalidCode
from bookings.models import Booking, Order
from notifications import outbox, verification
from notifications.shards import within_shard
from notifications.verification import Proof

SALT = "bookings.guests"


@dataclass(frozen=True, slots=True)
class NewGuest:
    """What a guest says of themselves; empty `locale` and `time_zone`: the project's."""

    name: str
    locale: str = ""
    time_zone: str = ""


def ask(*, email: str, phone: str, locale: str = "") -> list[Asked]:
    """Send a code to each address that is given. Raises outbox.InvalidContact, by field; LimitReached.

    Nothing is sent if one of them cannot be used.
    """
    given = {"email": email.strip(), "phone": phone.strip()}
    if not any(given.values()):
        raise outbox.InvalidContact({"email": [_("Enter an email address or a phone number.")]})
    for field, address in given.items():
        if address:
            outbox.checked_changes({field: address})
    with transaction.atomic():
        return [access_codes.ask(Purpose.GUEST, each, locale=locale) for each in given.values() if each]


def prove(asked: Asked, *, code: str) -> Proof:
    """What the code proves. Raises InvalidCode; the guess counts."""
    with transaction.atomic():
        proof = access_codes.spend(asked, code)
    if proof is None:
        raise InvalidCode
    return proof


def signed(proof: Proof) -> str:
    """For a program to keep, while the guest's other address is proved."""
    return signing.dumps([proof.field, proof.address], salt=within_shard(SALT))


def proof_of(kept: str) -> Proof:
    """What `signed` made, within the last hour. Raises InvalidCode."""
    try:
        field, address = signing.loads(kept, salt=within_shard(SALT), max_age=access_codes.MOST_SECONDS)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidCode from error
    return Proof(field, address)


def come_in(proofs: Sequence[Proof], guest: NewGuest) -> User:
    """The account of who proved these addresses just now: the first one says whose it is, the email address if given.

    It is the customer's own if the address has one. Raises AddressRefused, AddressTooNew.
    """
    first = next((proof for proof in proofs if proof.field == "email"), proofs[0])
    with transaction.atomic():
        verification.lock(proofs)
        found = accounts.find(first.field, first.address)
        if found.is_taken and found.customer is None:
            raise AddressRefused
        if found.is_too_new:
            raise AddressTooNew
        user = found.customer or _create(first)
        if is_guest(user):
            _keep(proofs, user)
            _remember(user, guest)
    return user


def hand_over(field: str, address: str, *, to: User) -> int:
    """Give `to`, who has just proved the address, the bookings of guests whom it stands for; returns how many.

    A phone number stands for a guest who gave no email address: numbers are shared, and given to others after a while.
    """
    owners = [pk for pk in verification.owners_of(field, address) if pk != to.pk]
    moved = 0
    with transaction.atomic():
        for guest in _guests().filter(pk__in=owners).order_by("pk"):
            if field == "phone" and outbox.contact_of(guest).email:
                continue
            orders = Order.objects.filter(user=guest)
            list(orders.select_for_update(no_key=True).order_by("pk"))  # a payment being verified books for one of us
            orders.update(user=to)
            moved += Booking.objects.filter(user=guest).update(user=to)
    return moved


def prune(*, now: datetime | None = None) -> int:
    """Forget the guests who came more than GUEST_DAYS ago and have ordered nothing; returns how many."""
    latest = (now or timezone.now()) - timedelta(days=settings.GUEST_DAYS)
    idle = _guests().filter(date_joined__lt=latest, orders=None, bookings=None)
    forgotten = 0
    for forgotten, guest in enumerate(idle.order_by("pk"), start=1):  # noqa: B007  (counts)
        erase_customer(guest, actor="pruning", reason="a guest who ordered nothing")
    return forgotten


def _guests() -> QuerySet[User]:
    return User.objects.filter(username__startswith=GUEST, is_active=True)


def _create(first: Proof) -> User:
    user = User(username=f"{GUEST}{secrets.token_hex(6)}", email=first.address if first.field == "email" else "")
    user.set_unusable_password()
    user.save()
    return user


def _keep(proofs: Sequence[Proof], user: User) -> None:
    """An address that the guest has already stays as old as it is: a new one opens nothing at first."""
    contact = outbox.contact_of(user)
    for proof in proofs:
        if getattr(contact, proof.field) != proof.address or not verification.is_proven(proof.field, user):
            verification.use(proof, user)


def _remember(user: User, guest: NewGuest) -> None:
    if guest.name and guest.name != user.first_name:
        user.first_name = guest.name
        user.save(update_fields=["first_name"])
    wishes = {"locale": guest.locale, "time_zone": guest.time_zone}
    outbox.change_contact(user, **{word: value for word, value in wishes.items() if value})
