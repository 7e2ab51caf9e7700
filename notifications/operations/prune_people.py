"""Deletes what is known of people once it is of no use: conversations, verifications, allowances of past days."""

from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from notifications import conf
from notifications.models import AddressVerification, Allowance, Conversation
from notifications.operations.erase import erase_late

ALLOWANCE_AGE = timedelta(days=2)  # a count is of this hour and this day


def prune_people(now: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Delete what is older than its setting says; how many rows. What was written of erased people goes as well."""
    removed = erase_late(now=now, using=using)
    removed += Allowance.objects.using(using).filter(Q(day__lt=now - ALLOWANCE_AGE)).delete()[0]
    if days := conf.conversation_days():
        old = Conversation.objects.using(using).filter(last_inbound_at__lt=now - timedelta(days=days))
        removed += old.delete()[0]
    if days := conf.verification_days():
        codes = AddressVerification.objects.using(using).filter(expires_at__lt=now - timedelta(days=days))
        removed += codes.delete()[0]
    return removed
