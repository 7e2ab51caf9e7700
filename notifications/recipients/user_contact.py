"""Where addresses come from: the project's own function of a user (OUTBOX_CONTACT_OF) says what it knows.

What it says counts, and a recipient's row holds the copy. The copy is brought up to date when something is published
to the user, and before each send. What the function does not say is kept in the row alone. If it fails, the copy is
used. An erased recipient stays erased.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import OperationalError, transaction
from django.utils.module_loading import import_string

from notifications import conf
from notifications.errors import InvalidContact
from notifications.models import Recipient
from notifications.policy.address_keys import address_key
from notifications.protocol.run_sql import execute
from notifications.recipients.addresses import lock_address, move_to, set_address
from notifications.recipients.contact_fields import checked
from notifications.recipients.strangers import Address
from notifications.telemetry import emit

ADDRESSES, FIELDS = ("phone", "email"), ("phone", "email", "locale", "time_zone")
PHONE_FIELDS = ("phone", "phone_number", "mobile", "mobile_phone", "mobile_number", "cell_phone", "telephone")
SENT_TO = (*FIELDS, "opt_outs")  # what a send reads of a recipient
LOCK_MILLISECONDS = 100  # that a send waits for a recipient whom a transaction has locked

Said = Mapping[str, str]
_reported: set[str] = set()  # the functions that fail just now: each is reported once, until it works again


def from_user(user: AbstractBaseUser) -> Mapping[str, Any]:
    """The shipped function: the user's email field, and the first of PHONE_FIELDS that the user model has.

    With OUTBOX_TRUST_USER_EMAIL off it says nothing of the email address: only codes prove one.
    """
    said: dict[str, Any] = {}
    model = user.__class__  # not type(user): request.user is a proxy
    if conf.trusts_user_email() and _has_column(model, name := model.get_email_field_name()):
        said["email"] = getattr(user, name)
    for name in PHONE_FIELDS:
        if _has_column(model, name):
            return said | {"phone": getattr(user, name)}
    return said


def said_of(user: AbstractBaseUser, *, using: str) -> Said:
    """What the project's function says of `user`, as it is stored. An address that cannot be used is none.

    Nothing, if there is no function, or if it fails.
    """
    path = conf.contact_of()
    if not path:
        return {}
    try:
        with _on_its_own(path, using=using):
            said = import_string(path)(user)
            known = _as_mapping(said)
    except Exception as error:  # noqa: BLE001  (the project's code: whatever it raises, the copy is used)
        report_failure(path, error)
        return {}
    _reported.discard(path)
    stored = {name: _usable(name, value) for name, value in known.items()}
    return {name: value for name, value in stored.items() if value or name in ADDRESSES}


def report_failure(what: str, error: BaseException) -> None:
    """Count it; log it only if it is the first in a row."""
    emit("contact.failed", error=type(error).__name__)
    if what not in _reported:
        _reported.add(what)
        emit("contact.failing", error=type(error).__name__)


def refresh(who: Recipient | AbstractBaseUser, *, using: str) -> None:
    """Bring the copy of who has an account up to date. Call it before the recipient's row is locked."""
    user = who.user if isinstance(who, Recipient) else who
    if not conf.contact_of() or user is None:
        return
    recipient = Recipient.objects.using(using).filter(erased_at=None, user_id=user.pk).first()
    if recipient is not None:
        _bring_up_to_date(recipient, said_of(user, using=using), using=using)


def read_for_sends(recipients: Sequence[int], *, using: str) -> dict[int, dict[str, Any]]:
    """By id of a recipient with an account: what a send reads of it, up to date. One query where nothing has changed.

    A row that is locked is not waited for: the message goes where the function says, and the copy is written later.
    """
    rows = Recipient.objects.using(using).filter(pk__in=recipients, user__isnull=False, erased_at=None)
    found: dict[int, dict[str, Any]] = {}
    for recipient in rows.select_related("user").order_by("pk"):
        fresh = _for_a_send(recipient, using=using)
        found[recipient.pk] = {name: getattr(fresh, name) for name in SENT_TO}
    return found


def _for_a_send(recipient: Recipient, *, using: str) -> Recipient:
    said = said_of(recipient.user, using=using) if recipient.user else {}
    if not _differs(recipient, said):
        return recipient
    try:
        with transaction.atomic(using=using):
            execute("SELECT set_config('lock_timeout', %(wait)s::text, true)", {"wait": LOCK_MILLISECONDS}, using=using)
            return _bring_up_to_date(recipient, said, using=using)
    except OperationalError:
        _take_on(recipient, said, using=using)
        return recipient


def check_is_ours(user: Recipient | AbstractBaseUser, changes: Mapping[str, Any], *, using: str) -> None:
    """Raises InvalidContact for what the project's function says otherwise: the next message would undo the change."""
    owner = user.user if isinstance(user, Recipient) else user
    said = said_of(owner, using=using) if owner is not None else {}
    wrong = [name for name, value in changes.items() if name in said and said[name] != value]
    if wrong:
        raise InvalidContact(
            {name: ["It comes from the user's account (OUTBOX_CONTACT_OF). Change it there."] for name in wrong}
        )


def _on_its_own(path: str, *, using: str) -> AbstractContextManager[object]:
    """A statement of the function's that fails must not break the caller's transaction. The shipped one has none."""
    return nullcontext() if path == conf.DEFAULTS["OUTBOX_CONTACT_OF"] else transaction.atomic(using=using)


@cache
def _has_column(model: type[AbstractBaseUser], name: str) -> bool:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return field.concrete and not field.is_relation


def _as_mapping(said: object) -> Said:
    """Of an Address, an empty language or zone is not said."""
    if isinstance(said, Address):
        return {name: getattr(said, name) for name in FIELDS}
    if not isinstance(said, Mapping) or not set(said) <= set(FIELDS):
        raise TypeError(f"OUTBOX_CONTACT_OF must return an outbox.Address, or a dict with some of {', '.join(FIELDS)}.")
    return said


def _usable(name: str, value: Any) -> str:
    try:
        return str(checked(name, "" if value is None else str(value)))
    except ValidationError:
        return ""


def _differs(recipient: Recipient, said: Said) -> bool:
    return any(getattr(recipient, name) != value for name, value in said.items())


def _bring_up_to_date(recipient: Recipient, said: Said, *, using: str) -> Recipient:
    """Written only if something differs. Addresses are locked before the row, as everywhere."""
    if not _differs(recipient, said):
        return recipient
    with transaction.atomic(using=using):
        for key in sorted(address_key(name, said[name]) for name in ADDRESSES if said.get(name)):
            lock_address(key, using=using)
        locked = Recipient.objects.using(using).select_for_update(no_key=True).get(pk=recipient.pk)
        if locked.erased_at is None:
            _write(locked, said, using=using)
    return locked


def _write(locked: Recipient, said: Said, *, using: str) -> None:
    for name in ADDRESSES:
        if name in said and getattr(locked, name) != said[name]:
            set_address(locked, name, said[name], using=using)
    wishes = {name: said[name] for name in ("locale", "time_zone") if name in said}
    for name, value in wishes.items():
        setattr(locked, name, value)
    if wishes:
        locked.save(update_fields=list(wishes), using=using)


def _take_on(recipient: Recipient, said: Said, *, using: str) -> None:
    """As `_bring_up_to_date`, for the object in hand only."""
    for name, value in said.items():
        if name in ADDRESSES:
            move_to(recipient, name, value, using=using)
        else:
            setattr(recipient, name, value)
