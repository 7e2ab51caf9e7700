"""Messages that are held for the morning stand beside their lane, so that nothing waits for them, and come back to it.

A held message is queued in a lane that never moves. Back in its own it is older than what was published meanwhile, and
goes before what of that still waits, as a replayed one does; at no moment are two messages of a recipient in flight.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from notifications import conf
from notifications.lifecycle import HELD, Status
from notifications.models import OutboxMessage
from notifications.protocol import sql, sql_lanes
from notifications.protocol.notify import notify_after_commit
from notifications.protocol.promotion import promote

MOST_AT_ONCE = 100  # messages whose recipients are locked by one transaction


def release_due(*, now: datetime | None = None, using: str = DEFAULT_DB_ALIAS) -> int:
    """Put messages whose quiet hours are over back into their lanes; returns how many. Safe to run side by side."""
    held = OutboxMessage.objects.using(using).filter(status=Status.QUEUED, lane=HELD)
    due = held.filter(next_attempt_at__lte=now or timezone.now()).order_by("next_attempt_at", "id")
    released = 0
    while batch := list(due.values_list("id", "recipient_id")[:MOST_AT_ONCE]):
        released += _release(batch, using=using)
    return released


def _release(batch: Sequence[tuple[int, int]], *, using: str) -> int:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(sql.LOCK_RECIPIENTS, {"recipients": sorted({recipient for _, recipient in batch})})
        by_channel = conf.lane() == "recipient+channel"
        cursor.execute(sql_lanes.RELEASE, {"ids": [message for message, _ in batch], "by_channel": by_channel})
        rows = cursor.fetchall()
        promote(cursor, set(rows))
        notify_after_commit(using)
    return len(rows)
