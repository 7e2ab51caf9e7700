"""How customers come in by themselves: sign up, sign in by a code, and set a new password that they have forgotten.

A code proves the address first (`bookings.access_codes`); no account exists before. Staff have another door: to these
functions their accounts do not exist, and their addresses make no new ones.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.utils import reset as forget_failures
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import transaction
from django.utils import timezone

from bookings import access_codes, announcements, own_security
from bookings.access_codes import Asked
from bookings.errors import AddressRefused, AddressTooNew, InvalidCode, NoAccount
from notifications import outbox, verification
from notifications.verification import Proof

GUEST = "guest-"  # how a guest's user name begins
BEGINNING = timedelta(minutes=1)  # in which an account that is made gets its address


@dataclass(frozen=True, slots=True)
class Found:
    """Whose an address is: a customer's who may sign in, or else somebody's for whom there is no way in here.

    `is_too_new`: it replaced another one so lately that a code sent there opens nothing. Else whoever holds a session
    for a moment could change the address, and then the password.
    """

    customer: User | None = None
    is_taken: bool = False
    is_too_new: bool = False


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a customer says of themselves. The password is stored; empty `locale` and `time_zone`: the project's."""

    name: str
    password: str
    locale: str = ""
    time_zone: str = ""


def login_name(entered: str) -> str:
    """The user name of the account that `entered` means: the name itself, or an address of a customer's.

    An address that is nobody's is written in one way, and anything else stays as it is: neither signs anybody in. So a
    guess counts for the account, however it was named, and nobody learns from what counts whether there is one.
    """
    if User.objects.filter(username=entered).exists():
        return entered
    try:
        to = verification.address_in(entered)
    except outbox.InvalidContact:
        return entered
    address = to.phone or to.email
    customer = find("phone" if to.phone else "email", address).customer
    return customer.get_username() if customer else address.casefold()


def find(field: str, address: str, *, now: datetime | None = None) -> Found:
    """Whose the address is. Of several customers, it is the one's who proved it first.

    A phone number stands for a guest who gave no email address: numbers are shared, and given to others after a while.
    """
    owners = verification.owners_of(field, address)
    users = User.objects.in_bulk(list(owners))
    known = [users[pk] for pk in owners]
    if field == "email":  # of those too whom the outbox does not know yet
        others = User.objects.filter(email__iexact=address).exclude(pk__in=owners).order_by("pk")
        known += [user for user in others if user.is_staff or _has_email(user, address)]
    if field == "phone":
        known = [user for user in known if not (is_guest(user) and outbox.contact_of(user).email)]
    for user in known:
        if user.is_active and not (user.is_staff or user.is_superuser):
            is_too_new = _is_too_new(owners.get(user.pk), joined=user.date_joined, now=now or timezone.now())
            return Found(user, is_taken=True, is_too_new=is_too_new)
    return Found(is_taken=bool(known))


def _has_email(user: User, address: str) -> bool:
    return outbox.contact_of(user).email.casefold() == address.casefold()


def _is_too_new(proven_at: datetime | None, *, joined: datetime, now: datetime) -> bool:
    """An address that the account began with is never too new."""
    if proven_at is None or proven_at - joined < BEGINNING:
        return False
    return now - proven_at < timedelta(hours=settings.CUSTOMER_ADDRESS_HOURS)


def sign_up(asked: Asked, *, code: str, account: NewAccount) -> tuple[User, bool]:
    """The account of the proven address, and whether it is new. One that was there already stays as it is; a guest's
    becomes an account, with its bookings.

    Raises InvalidCode, AddressRefused, AddressTooNew.
    """
    password = make_password(account.password)  # before anything is locked: it is slow
    with transaction.atomic():
        proof, found = _proven(asked, code)
        user = found.customer
        if is_new := not found.is_taken and proof is not None:
            user = _create(proof, account, password=password)
        elif is_new := user is not None and is_guest(user) and not found.is_too_new:
            _complete(user, account, password=password)
    if proof is None:
        raise InvalidCode
    if user is None:
        raise AddressRefused
    return user if is_new else _customer(proof, found), is_new


def sign_in(asked: Asked, *, code: str) -> User:
    """The customer whose address is proven. Raises InvalidCode, NoAccount, AddressTooNew."""
    with transaction.atomic():
        proof, found = _proven(asked, code)
    return _customer(proof, found)


def set_password(asked: Asked, *, code: str, password: str) -> User:
    """Store a new password. Every session and token ends, and failed logins are forgotten.

    Raises InvalidCode, NoAccount, AddressTooNew.
    """
    stored = make_password(password)
    with transaction.atomic():
        proof, found = _proven(asked, code)
        if found.customer and not found.is_too_new:
            own_security.store_password(found.customer, stored)
            announcements.password_set(found.customer)
            forget_failures(username=found.customer.get_username())
    return _customer(proof, found)


def _proven(asked: Asked, code: str) -> tuple[Proof | None, Found]:
    """The proof, and whose the address is. In a transaction that commits, whatever is found: the guess counts."""
    proof = access_codes.spend(asked, code)
    return proof, find(proof.field, proof.address) if proof else Found()


def _customer(proof: Proof | None, found: Found) -> User:
    if proof is None:
        raise InvalidCode
    if found.customer is None:
        raise NoAccount
    if found.is_too_new:
        raise AddressTooNew
    return found.customer


def is_guest(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` is a guest's (`bookings.guests`): an account without a name of its own and without a password."""
    return user.get_username().startswith(GUEST)


def _complete(user: User, account: NewAccount, *, password: str) -> None:
    """A guest gets a password, and everything that was opened without one ends."""
    user.username, user.first_name = _new_name(), account.name
    user.save(update_fields=["username", "first_name"])
    own_security.store_password(user, password)
    _keep_wishes(user, account)


def _new_name() -> str:
    """The name of the account says nothing of the customer: it stays, and stands in records."""
    return f"customer-{secrets.token_hex(6)}"


def _keep_wishes(user: User, account: NewAccount) -> None:
    wishes = {"locale": account.locale, "time_zone": account.time_zone}
    outbox.change_contact(user, **{word: value for word, value in wishes.items() if value})


def _create(proof: Proof, account: NewAccount, *, password: str) -> User:
    user = User.objects.create(
        username=_new_name(),
        first_name=account.name,
        email=proof.address if proof.field == "email" else "",
        password=password,
    )
    verification.use(proof, user)
    _keep_wishes(user, account)
    return user
