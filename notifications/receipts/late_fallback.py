"""Fallback: a message that was accepted and has not arrived in time goes out on another channel, once.

What a provider refuses outright falls back where it is settled, `relay/fallback.py`. Here is what takes time: no news
of its arrival came within the kind's `after`, or the news that it did not arrive.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Q
from django.utils import timezone

from notifications import conf
from notifications.models import Fallback
from notifications.protocol import sql, sql_fallbacks
from notifications.protocol.notify import notify_after_commit
from notifications.protocol.promotion import promote

MOST_AT_ONCE = 100  # recipients locked by one transaction


def fall_back_due(*, now: datetime | None = None, using: str = DEFAULT_DB_ALIAS) -> int:
    """Send what is due on the other channel; returns how many substitutes were written. Safe to run side by side."""
    due = Fallback.objects.using(using).filter(due_at__lte=now or timezone.now()).order_by("due_at")
    written = 0
    while batch := list(due.values_list("message_id", flat=True)[:MOST_AT_ONCE]):
        written += _fall_back(batch, using=using)
    return written


def undelivered(message_id: int, *, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Fall back at once for a message whose provider says that it did not arrive; whether a substitute was written."""
    watched = Fallback.objects.using(using).filter(message_id=message_id, due_at__isnull=False)
    is_bad = Q(message__receipt__in=("undelivered", "bounced"))
    return watched.filter(is_bad).exists() and _fall_back([message_id], using=using) == 1


def _fall_back(message_ids: Sequence[int], *, using: str) -> int:
    """Under the recipients' locks: write the substitutes that are still needed, and close every case."""
    fallbacks = Fallback.objects.using(using).filter(message_id__in=message_ids).select_related("message")
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        recipients = set(fallbacks.values_list("message__recipient_id", flat=True))
        cursor.execute(sql.LOCK_RECIPIENTS, {"recipients": sorted(recipients)})
        plans = list(fallbacks.filter(due_at__isnull=False))
        lanes = [conf.lane_of(plan.channel) for plan in plans]
        cursor.execute(
            sql_fallbacks.SUBSTITUTE,
            {
                "ids": [plan.message_id for plan in plans],
                "claim_numbers": [plan.message.claim_number for plan in plans],
                "channels": [plan.channel for plan in plans],
                "lanes": lanes,
            },
        )
        written = len(cursor.fetchall())
        cursor.execute(sql_fallbacks.CLOSE, {"ids": list(message_ids)})
        touched = {(plan.message.recipient_id, lane) for plan, lane in zip(plans, lanes, strict=True)}
        promote(cursor, touched)
        notify_after_commit(using)
    return written
