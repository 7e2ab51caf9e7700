"""Corrects a recipient's address and replays what failed because of it, in one transaction, on record."""

from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS, transaction

from notifications.models import Recipient
from notifications.models.audit import Verb
from notifications.operations.record_action import record
from notifications.operations.replay import replay_batch
from notifications.policy.address_keys import address_key
from notifications.policy.masking import hint
from notifications.recipients.addresses import lock_address
from notifications.recipients.contact import change_contact
from notifications.recipients.contact_fields import checked_changes

ADDRESSES = ("phone", "email")


def correct_address(
    recipient_id: int,
    *,
    field: str,
    address: str,
    actor: str,
    reason: str,
    replaying: Sequence[int] = (),
    using: str = DEFAULT_DB_ALIAS,
) -> list[int]:
    """Change the recipient's `field` (phone, email), and replay the failed ones among `replaying`; returns their ids.

    One transaction: whoever waits for the lane sees the new address with the replayed messages. The record holds both
    addresses masked. Raises InvalidContact, with nothing changed.
    """
    address = checked_changes({field: address})[field]
    with transaction.atomic(using=using):
        lock_address(address_key(field, address), using=using)  # before the row, as everywhere
        recipient = Recipient.objects.using(using).select_for_update(no_key=True).get(pk=recipient_id)
        before = getattr(recipient, field)
        after = getattr(change_contact(recipient, **{field: address}), field)
        record(
            Verb.CHANGE_ADDRESS,
            recipient=recipient,
            actor=actor,
            reason=reason,
            before={field: before},
            after={field: after},
            using=using,
            detail=f"{field}: {hint(before)} → {hint(after)}"[:200],
        )
        return replay_batch(replaying, actor=actor, reason=reason, using=using) if replaying else []
