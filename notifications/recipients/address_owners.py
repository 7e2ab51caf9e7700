"""Whose an address is: the users who have it in use."""

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F

from notifications.policy.address_keys import address_key
from notifications.recipients.addresses import recipients_at


def owners_of(field: str, address: str) -> dict[int, datetime | None]:
    """The IDs of the users who have the address in use, each with when they proved it; None: the project vouches.

    Who proved it first comes first, and those without a proof come last.
    """
    known = recipients_at(address_key(field, address), using=DEFAULT_DB_ALIAS).exclude(user=None)
    proven_at = f"{field}_verified_at"
    return dict(known.order_by(F(proven_at).asc(nulls_last=True), "user_id").values_list("user_id", proven_at))
