"""Deletes what is known of people once it is of no use: conversations, verifications, allowances of past days."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Exists, OuterRef, Q

from notifications import conf
from notifications.models import AddressChange, AddressVerification, Allowance, Conversation, OutboxMessage, Recipient
from notifications.operations.erase import erase_late

BATCH = 1000  # rows to a statement, so that none holds locks for long
ALLOWANCE_AGE = timedelta(days=2)  # a count is of this hour and this day


def prune_people(now: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Delete what is older than its setting says; how many rows. What was written of erased people goes as well."""
    removed = erase_late(now=now, using=using)
    removed += Allowance.objects.using(using).filter(Q(day__lt=now - ALLOWANCE_AGE)).delete()[0]
    if days := conf.conversation_days():
        old = Conversation.objects.using(using).filter(last_inbound_at__lt=now - timedelta(days=days))
        removed += old.delete()[0]
    if days := conf.verification_days():
        removed += _prune_codes(now - timedelta(days=days), using=using)
        changes = AddressChange.objects.using(using).filter(changed_at__lt=now - timedelta(days=days))
        removed += changes.delete()[0]
    return removed


def _prune_codes(before: datetime, *, using: str) -> int:
    """Delete codes that ended before then; and recipients that are an address alone, which such a code had made.

    A code stays as long as messages went there that are kept: by it the recipient is known as one that goes as well.
    """
    codes = AddressVerification.objects.using(using).filter(expires_at__lt=before)
    codes = codes.exclude(
        Q(recipient__user=None) & Exists(OutboxMessage.objects.using(using).filter(recipient=OuterRef("recipient")))
    )
    known = sorted(set(codes.filter(recipient__user=None).values_list("recipient_id", flat=True)))
    return codes.delete()[0] + _prune_addresses(known, using=using)


def _prune_addresses(known: Sequence[int], *, using: str) -> int:
    """Delete those of the recipients that are an address alone, and about which nothing else is left.

    Whoever is publishing to one holds its row, and it is passed over. What the address refused stays with it.
    """
    strangers = Recipient.objects.using(using).filter(user=None, erased_at=None)
    idle = strangers.filter(messages=None, verifications=None, consents=None, notes=None, actions=None)
    removed = 0
    for batch in (known[start : start + BATCH] for start in range(0, len(known), BATCH)):
        with transaction.atomic(using=using):
            rows = strangers.filter(pk__in=batch).select_for_update(skip_locked=True)
            locked = list(rows.order_by("pk").values_list("pk", flat=True))
            removed += idle.filter(pk__in=locked).delete()[0]  # looked at again: what they got meanwhile is seen
    return removed
