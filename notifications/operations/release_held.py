"""Returns messages whose quiet hours are over to their lanes.

A held message is queued in a lane of its own that never moves, so nothing waits behind it. Back in its lane it is older
than the messages published since, and goes before those that still wait, as a replayed message does. A recipient never
has two messages in flight.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from notifications import conf
from notifications.lifecycle import HELD, Status
from notifications.models import OutboxMessage
from notifications.protocol import sql_lanes
from notifications.protocol.lanes import locked_lanes

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
    by_channel = conf.lane() == "recipient+channel"
    with locked_lanes((recipient for _, recipient in batch), using=using) as lanes:
        rows = lanes.fetch_all(sql_lanes.RELEASE, {"ids": [message for message, _ in batch], "by_channel": by_channel})
        lanes.changed.update((recipient, lane) for recipient, lane in rows)
    return len(rows)
