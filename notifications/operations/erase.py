"""Forgets a person: what the outbox knows of a recipient is erased, and its rows stay, so that order and counts hold.

Unfinished messages are cancelled first, under the lanes' locks. Messages keep kind, channel, status and moments;
contexts, providers' ids and errors go. Consent records, conversations, allowances, verifications and
browsers go. An address's
own opt-out stays: it must be honoured whoever gets the address. The record of staff's actions keeps who acted, not the
addresses.

Erasing again changes nothing more, or erases what a send has written that was under way.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from notifications.channels import channel_names
from notifications.lifecycle import WAITING, Status
from notifications.models import (
    Allowance,
    ConsentRecord,
    Conversation,
    DeliveryAttempt,
    Note,
    OperatorAction,
    OutboxMessage,
    PlannedFallback,
    PushSubscription,
    Receipt,
    Recipient,
)
from notifications.models.audit import Verb
from notifications.operations.record_action import record
from notifications.operations.replay import cancel
from notifications.policy import phone_numbers
from notifications.policy.consent import opt_out_key
from notifications.protocol.lanes import locked_lanes
from notifications.recipients.contact import ADDRESSES, check_database, key_of
from notifications.recipients.strangers import Address, strangers_at, valid

BLANK: dict[str, Any] = {"context": {}, "error_detail": "", "provider_id": "", "origin": "", "traceparent": ""}
SAYS_NOTHING: dict[str, Any] = {"before__isnull": True, "after__isnull": True, "detail": ""}
LATE = timedelta(days=2)  # in which a send that was under way may still write something


@dataclass(slots=True)
class Erased:
    """How many rows of each kind were changed or deleted; `in_flight`: messages that are being sent just now."""

    rows: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0


def erase(
    who: Recipient | AbstractBaseUser | Address, *, actor: str, reason: str = "", using: str = DEFAULT_DB_ALIAS
) -> Erased:
    """Forget `who`, in one transaction, or in the caller's. Raises InvalidRecipient, InvalidContact, OtherDatabase.

    With a user, also those without an account who have an address of theirs; with an Address, all of those.
    """
    erased = Erased()
    with transaction.atomic(using=using):
        if isinstance(who, Address):
            recipient = strangers_at(valid(who), using=using).first()
        else:
            check_database(who, using=using)  # else it would be whoever has this number there
            recipient = Recipient.objects.using(using).filter(**key_of(who)).first()
        if recipient is None:
            return erased
        everyone = [recipient, *_without_account(recipient, using=using)]
        ids = [each.pk for each in everyone]
        with locked_lanes(ids, using=using):
            waiting = OutboxMessage.objects.using(using).filter(recipient_id__in=ids, status__in=WAITING)
            erased.rows["messages cancelled"] = len(
                cancel(waiting.values_list("pk", flat=True), actor=actor, reason=reason, using=using)
            )
            _erase_messages(ids, erased, using=using)
        _erase_around(everyone, erased, using=using)
        _erase_record(ids, erased, using=using)
        _blank(everyone, erased, using=using)
        if erased.rows.total():
            record(Verb.ERASE, actor=actor, reason=reason, recipient=recipient, using=using)
    return erased


def erase_late(*, now: datetime | None = None, using: str = DEFAULT_DB_ALIAS) -> int:
    """Erase what a send or a receipt that was under way wrote of erased recipients since; how many rows."""
    erased = Erased()
    since = (now or timezone.now()) - LATE
    ids = list(Recipient.objects.using(using).filter(erased_at__gt=since).values_list("pk", flat=True))
    with locked_lanes(ids, using=using):
        _erase_messages(ids, erased, using=using)
    return erased.rows.total()


def _without_account(recipient: Recipient, *, using: str) -> list[Recipient]:
    """The recipients without a user who have one of this one's addresses: codes went to them, or messages."""
    addresses = [(name, getattr(recipient, name)) for name in ADDRESSES]
    addresses += recipient.verifications.using(using).values_list("field", "address")
    mine = {
        each.pk: each
        for name, address in addresses
        if address
        for each in strangers_at(Address(**{name: address}), using=using).exclude(pk=recipient.pk)
    }
    return [mine[pk] for pk in sorted(mine)]


def _erase_messages(ids: list[int], erased: Erased, *, using: str) -> None:
    """Needs the lanes' locks: a send that is under way settles afterwards, as it would have."""
    messages = OutboxMessage.objects.using(using).filter(recipient_id__in=ids)
    erased.in_flight = messages.filter(status=Status.SENDING.value).count()
    erased.rows["messages"] += messages.exclude(**BLANK).update(**BLANK)
    attempts = DeliveryAttempt.objects.using(using).filter(message__recipient_id__in=ids)
    told = {"detail": "", "provider_id": "", "address": ""}
    erased.rows["attempts"] += attempts.exclude(**told).update(**told)
    erased.rows["receipts"] += Receipt.objects.using(using).filter(message__recipient_id__in=ids).delete()[0]
    planned = PlannedFallback.objects.using(using).filter(message__recipient_id__in=ids, due_at__isnull=False)
    erased.rows["fallbacks"] += planned.update(due_at=None)


def _erase_around(everyone: list[Recipient], erased: Erased, *, using: str) -> None:
    ids, phones = [each.pk for each in everyone], {each.phone for each in everyone if each.phone}
    erased.rows["consent records"] = ConsentRecord.objects.using(using).filter(recipient_id__in=ids).delete()[0]
    keys = [f"recipient:{pk}" for pk in ids]
    for phone in sorted(phones):
        keys += [f"{counted}:{phone_numbers.canonical(phone)}" for counted in ("number", "code")]
        others = Recipient.objects.using(using).filter(phone__in=phone_numbers.forms(phone)).exclude(pk__in=ids)
        if not others.exists():
            own = Conversation.objects.using(using).filter(phone__in=phone_numbers.forms(phone))
            erased.rows["conversations"] += own.delete()[0]
    erased.rows["allowances"] = Allowance.objects.using(using).filter(key__in=keys).delete()[0]
    erased.rows["browsers"] = PushSubscription.objects.using(using).filter(recipient_id__in=ids).delete()[0]
    for each in everyone:
        erased.rows["changes of addresses"] += each.address_changes.using(using).all().delete()[0]
        erased.rows["verifications"] += each.verifications.using(using).all().delete()[0]


def _erase_record(ids: list[int], erased: Erased, *, using: str) -> None:
    """The one way past the trigger that keeps the record; the setting ends with the transaction."""
    told = OperatorAction.objects.using(using).filter(recipient_id__in=ids)
    told = told.exclude(**SAYS_NOTHING)
    with allowing_changes_of_the_record(using=using):
        erased.rows["records of staff"] = told.update(before=None, after=None, detail="")
        erased.rows["notes"] = Note.objects.using(using).filter(recipient_id__in=ids).delete()[0]


def erase_record_of(subject: str, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Take out of the record of staff's actions what was so before and after of `subject` (user:7); how many rows."""
    told = OperatorAction.objects.using(using).filter(subject=subject).exclude(**SAYS_NOTHING)
    with transaction.atomic(using=using), allowing_changes_of_the_record(using=using):
        return told.update(before=None, after=None, detail="")


def _blank(everyone: list[Recipient], erased: Erased, *, using: str) -> None:
    """Whatever is still published for them is recorded as cancelled, because they want nothing."""
    nothing = sorted(opt_out_key(channel) for channel in channel_names())
    blank: dict[str, Any] = {"phone": "", "email": "", "opt_outs": nothing, "address_opt_outs": []}
    blank |= {"phone_verified_at": None, "email_verified_at": None, "locale": "en", "time_zone": "UTC"}
    rows = Recipient.objects.using(using).filter(pk__in=[each.pk for each in everyone])
    erased.rows["recipients"] = rows.exclude(**blank).update(**blank, erased_at=timezone.now())


class allowing_changes_of_the_record:  # noqa: N801  (a context manager)
    """Within a transaction: for as long as this lasts, the trigger lets the record of staff's actions be changed."""

    def __init__(self, *, using: str) -> None:
        self._using = using

    def __enter__(self) -> None:
        self._set("on")

    def __exit__(self, *_: object) -> None:
        self._set("off")

    def _set(self, state: str) -> None:
        with connections[self._using].cursor() as cursor:
            cursor.execute("SELECT set_config('notifications.erasing', %s, true)", [state])
