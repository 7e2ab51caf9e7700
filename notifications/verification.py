"""Proves that an address is its owner's: a code is sent there, and only when it is confirmed is the address in use.

Until then nothing else goes to the address, and messages go to the earlier one. Codes are six digits, hold for minutes,
once, for this account and this address; guesses and codes are limited. When an address has changed or is removed, a
word goes to the old one. Codes and words go through the outbox, to a recipient of their own: one without a user.

Who has no account here, or is not signed in, proves an address in the same way (`send_code`, `spend_code`), by messages
of a kind of the application's. What the proof opens is the application's to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from notifications import conf, outbox
from notifications.content.confirmation_codes import code_of
from notifications.content.localization import language_of, zone_of
from notifications.errors import InvalidCode, TooManyCodes
from notifications.models import AddressChange, AddressVerification, Recipient
from notifications.policy.address_keys import address_key
from notifications.policy.code_limits import DAY, check_limits
from notifications.policy.masking import hint
from notifications.recipients.address_changes import change_to_undo, remember, undo_change
from notifications.recipients.address_kinds import CHANNELS, CODES, REMOVED, REPLACED, SECURITY, kinds, register_kinds
from notifications.recipients.address_owners import owners_of
from notifications.recipients.addresses import lock_address, set_address
from notifications.recipients.contact import ADDRESSES, Contact, change_contact, check_database, recipient_of
from notifications.recipients.contact_fields import checked_changes
from notifications.recipients.strangers import Address, stranger_of, valid
from notifications.recipients.user_contact import check_is_ours

__all__ = [
    "CHANNELS",
    "REPLACED",
    "SECURITY",
    "AddressChange",
    "InvalidCode",
    "OpenCode",
    "Proof",
    "TooManyCodes",
    "address_in",
    "change_to_undo",
    "code_of",
    "confirm",
    "is_proven",
    "kinds",
    "lock",
    "open_code",
    "owners_of",
    "pending",
    "register_kinds",
    "request_changes",
    "send_code",
    "spend_code",
    "undo_change",
    "use",
]


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody has read a code at this address just now."""

    field: Literal["phone", "email"]
    address: str


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A code that can still be entered: where it was sent, and by whom it must be entered; None: by anybody."""

    field: str
    address: str
    user_id: int | None


def request_changes(user: Recipient | AbstractBaseUser, *, now: datetime | None = None, **changes: Any) -> Contact:
    """Change contact details as their owner wishes, all or none; a new address is sent a code, and used once confirmed.

    An address that is in use already is confirmed again. With OUTBOX_VERIFY_ADDRESSES off, all is changed at once.
    Raises InvalidContact, InvalidRecipient, TooManyCodes.
    """
    valid, now = checked_changes(changes), now or timezone.now()
    to_confirm = {field: valid.pop(field) for field in ADDRESSES if conf.verifies_addresses() and valid.get(field)}
    with transaction.atomic():
        before = recipient_of(user)
        check_is_ours(user, to_confirm, using=DEFAULT_DB_ALIAS)
        for field, address in sorted(to_confirm.items()):
            _send_code(before, field, address, now=now)
        contact = change_contact(user, **valid)
        for field in ADDRESSES:
            if field in valid:
                _tell_old_address(before, field, now=valid[field])
        return contact


def confirm(user: Recipient | AbstractBaseUser, *, field: str, code: str, now: datetime | None = None) -> Contact:
    """Use the address that `code` was sent to. Raises InvalidCode, whatever is wrong with it; the guess counts."""
    recipient, at = recipient_of(user), now or timezone.now()
    if not _is_right(recipient, field, code, now=at):
        raise InvalidCode
    return outbox.contact_of(user)


def pending(user: Recipient | AbstractBaseUser, *, now: datetime | None = None) -> dict[str, str]:
    """The addresses that wait for their code, by field."""
    open_ones = AddressVerification.objects.filter(
        recipient=recipient_of(user), ended_at=None, expires_at__gt=now or timezone.now()
    )
    return dict(open_ones.values_list("field", "address"))


def address_in(text: str, *, locale: str = "") -> Address:
    """The email address or phone number that somebody entered into one field. Raises InvalidContact, by its field."""
    entered = text.strip()
    return valid(Address(email=entered, locale=locale) if "@" in entered else Address(phone=entered, locale=locale))


def send_code(to: Address, *, kinds: dict[str, str], context: dict[str, Any], now: datetime | None = None) -> int:
    """Send a code to one address, whoever has it, known here or not; returns the code's ID, for `spend_code`.

    `kinds` names the kind of message for a `phone` and for an `email` address. Its context gets `verification` added.
    An earlier code that was sent in this way ends. Raises InvalidContact, TooManyCodes.
    """
    to, now = valid(to), now or timezone.now()
    field = "phone" if to.phone else "email"
    with transaction.atomic():
        sent = _send_code(stranger_of(to), field, getattr(to, field), now=now, kind=kinds[field], context=context)
    return sent.pk


def spend_code(code_id: int, code: str, *, now: datetime | None = None) -> Proof | None:
    """The proof that a code of `send_code` gives, once; None, whatever is wrong with it, and the guess counts.

    Within the caller's transaction, which must commit, so that a wrong guess counts. The address is locked until then.
    """
    open_one = AddressVerification.objects.filter(pk=code_id, recipient__user=None, ended_at=None)
    spent = _spend(open_one, code, now=now or timezone.now())
    return Proof("phone" if spent.field == "phone" else "email", spent.address) if spent else None


def open_code(code_id: int, *, now: datetime | None = None) -> OpenCode | None:
    """What is known of a code that was sent; None if it was used, replaced, guessed at too often, or is too old."""
    at = now or timezone.now()
    known = AddressVerification.objects.filter(pk=code_id, ended_at=None, expires_at__gt=at).select_related("recipient")
    found = known.first()
    return OpenCode(found.field, found.address, found.recipient.user_id) if found else None


def is_proven(field: str, user: AbstractBaseUser) -> bool:
    """Whether `user` has proved the address in use."""
    return getattr(recipient_of(user), f"{field}_verified_at") is not None


def lock(proofs: Iterable[Proof]) -> None:
    """Lock the proven addresses until the transaction ends, where another one than this has spent the codes."""
    for key in sorted(address_key(proof.field, proof.address) for proof in proofs):
        lock_address(key, using=DEFAULT_DB_ALIAS)


def use(proof: Proof, user: AbstractBaseUser, *, now: datetime | None = None) -> None:
    """Use the proven address for `user`; the one that it replaces is told. Within the transaction that spent the code,
    or that has locked the address.
    """
    locked = _lock(recipient_of(user))
    earlier = _snapshot(locked)
    set_address(locked, proof.field, proof.address, verified_at=now or timezone.now(), using=DEFAULT_DB_ALIAS)
    _tell_old_address(earlier, proof.field, now=proof.address)


def _send_code(
    recipient: Recipient,
    field: str,
    address: str,
    *,
    now: datetime,
    kind: str = "",
    context: dict[str, Any] | None = None,
) -> AddressVerification:
    """Within a transaction. The address is locked before the recipient, as everywhere. Raises OtherDatabase."""
    check_database(recipient, using=DEFAULT_DB_ALIAS)  # codes are made of an ID, and so are good in one database alone
    key, limits = address_key(field, address), conf.code_limits()
    lock_address(key, using=DEFAULT_DB_ALIAS)
    _lock(recipient)
    sent = AddressVerification.objects.filter(created_at__gt=now - DAY)
    for counted in (sent.filter(recipient=recipient, field=field), sent.filter(address_key=key)):
        check_limits(sorted(counted.values_list("created_at", flat=True)), limits=limits, now=now)
    AddressVerification.objects.filter(recipient=recipient, field=field, ended_at=None).update(ended_at=now)
    verification = AddressVerification.objects.create(
        recipient=recipient,
        field=field,
        address=address,
        address_key=key,
        created_at=now,
        expires_at=now + timedelta(minutes=limits.minutes),
    )
    outbox.publish(
        kind or CODES[field].name,
        recipient=_stranger(field, address, like=recipient),
        context={**(context or {}), "verification": verification.pk},
        expires_at=verification.expires_at,
    )
    return verification


@transaction.atomic
def _is_right(recipient: Recipient, field: str, code: str, *, now: datetime) -> bool:
    """Count the guess, and use the address if it is right. Nothing is raised in here: the count must be committed."""
    of_recipient = AddressVerification.objects.filter(recipient=recipient, field=field, ended_at=None)
    spent = _spend(of_recipient, code, now=now)
    if spent is None:
        return False
    locked = spent.recipient
    earlier = _snapshot(locked)
    set_address(locked, field, spent.address, verified_at=now, using=DEFAULT_DB_ALIAS)
    _tell_old_address(earlier, field, now=spent.address)
    return True


def _spend(open_one: QuerySet[AddressVerification], code: str, *, now: datetime) -> AddressVerification | None:
    """End the code if it is right, and lock its address and recipient. Within a transaction. The guess counts."""
    known = open_one.first()
    if known is None:
        return None
    lock_address(known.address_key, using=DEFAULT_DB_ALIAS)
    locked = _lock(known.recipient)
    verification = open_one.select_for_update(no_key=True, of=("self",)).filter(pk=known.pk, expires_at__gt=now).first()
    if verification is None:
        return None
    verification.guesses += 1
    is_right = constant_time_compare(code_of(verification.pk), code)
    if is_right or verification.guesses >= conf.code_limits().guesses:
        verification.ended_at = now
    verification.save(update_fields=["guesses", "ended_at"])
    verification.recipient = locked
    return verification if is_right else None


def _snapshot(recipient: Recipient) -> Recipient:
    kept = ("id", *ADDRESSES, "phone_verified_at", "email_verified_at", "locale", "time_zone")
    return Recipient(**{name: getattr(recipient, name) for name in kept})


def _tell_old_address(before: Recipient, field: str, *, now: str) -> None:
    """Within the transaction of the change. The new address is masked: the old one may be somebody else's by now."""
    old = getattr(before, field)
    if old and address_key(field, old) != address_key(field, now):
        context: dict[str, Any] = {"change": remember(before, field).pk}
        kind, more = (REPLACED[field], {"new": masked_address(now)}) if now else (REMOVED[field], {})
        outbox.publish(kind.name, recipient=_stranger(field, old, like=before), context=context | more)


def masked_address(address: str) -> str:
    """As much of an address as its owner recognises. Without the ellipsis: one would triple an SMS's price."""
    return hint(address).replace("…", "...")


def _lock(recipient: Recipient) -> Recipient:
    return Recipient.objects.select_for_update(no_key=True).get(pk=recipient.pk)


def _stranger(field: str, address: str, *, like: Recipient) -> Recipient:
    """A recipient that is this address and nobody's account, so that nothing else can go there."""
    wishes = {"locale": language_of(like.locale), "time_zone": zone_of(like.time_zone).key}
    return stranger_of(Address(**{field: address}, **wishes))
