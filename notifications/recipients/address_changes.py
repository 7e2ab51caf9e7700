"""Changes of people's addresses, and how the old address undoes one: whoever took an account over does not keep it."""

from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from notifications.models import AddressChange, AddressVerification, Recipient
from notifications.policy.address_keys import address_key
from notifications.recipients.addresses import lock_address, set_address


def remember(before: Recipient, field: str) -> AddressChange:
    """Put on record that the address in `field` is not used any more. Within the transaction of the change."""
    old, verified_at = getattr(before, field), getattr(before, f"{field}_verified_at")
    return AddressChange.objects.create(recipient_id=before.pk, field=field, old=old, old_verified_at=verified_at)


def change_to_undo(change_id: int, *, within: timedelta, now: datetime | None = None) -> AddressChange | None:
    """A change of the last `within` that was not undone, with its recipient; None if there is none."""
    since = (now or timezone.now()) - within
    changes = AddressChange.objects.filter(undone_at=None, changed_at__gt=since).select_related("recipient__user")
    return changes.filter(pk=change_id).first()


@transaction.atomic
def undo_change(change_id: int, *, within: timedelta, now: datetime | None = None) -> AddressChange | None:
    """Give the recipient the old address back, as it was proved; None if it is too late, or done already.

    Changes of this address that came after it are undone with it, and codes for another one end.
    """
    at = now or timezone.now()
    found = change_to_undo(change_id, within=within, now=at)
    if found is None:
        return None
    lock_address(address_key(found.field, found.old), using=DEFAULT_DB_ALIAS)
    locked = Recipient.objects.select_for_update(no_key=True).get(pk=found.recipient_id)
    later = AddressChange.objects.filter(recipient=locked, field=found.field, undone_at=None, pk__gte=found.pk)
    if locked.erased_at or not later.update(undone_at=at):
        return None
    AddressVerification.objects.filter(recipient=locked, field=found.field, ended_at=None).update(ended_at=at)
    set_address(locked, found.field, found.old, verified_at=found.old_verified_at, using=DEFAULT_DB_ALIAS)
    return found
