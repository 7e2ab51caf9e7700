"""Late fallback: a message that was accepted but has not arrived in time is sent once more on another channel.

What a provider refuses at once falls back where it is settled, in `relay/fallback.py`. This module handles what takes
time: no receipt within the kind's `after`, or a receipt that the message did not arrive.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from notifications import kinds
from notifications.models import PlannedFallback
from notifications.protocol import sql_fallbacks
from notifications.protocol.bad_rows import work_on_all
from notifications.protocol.lanes import locked_lanes
from notifications.selectors.database_clock import database_now

AGAIN_AFTER = timedelta(minutes=10)  # for a plan on which this failed
MOST_AT_ONCE = 100  # recipients locked by one transaction


def fall_back_due(*, now: datetime | None = None, using: str = DEFAULT_DB_ALIAS) -> int:
    """Write the substitutes that are due, on the other channel; returns how many. Safe to run side by side."""
    now = now or database_now(using)
    plans = PlannedFallback.objects.using(using)
    due = plans.filter(due_at__lte=now).order_by("due_at")
    written = 0
    while batch := list(due.values_list("message_id", flat=True)[:MOST_AT_ONCE]):
        done, bad = work_on_all("fallback", batch, partial(_fall_back, using=using))
        written += done
        plans.filter(message_id__in=bad).update(due_at=now + AGAIN_AFTER)
    return written


def undelivered(message_id: int, *, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Fall back at once for a message whose provider says that it did not arrive; whether a substitute was written."""
    watched = PlannedFallback.objects.using(using).filter(message_id=message_id, due_at__isnull=False)
    is_bad = Q(message__receipt__in=("undelivered", "bounced"))
    return watched.filter(is_bad).exists() and _fall_back([message_id], using=using) == 1


def _fall_back(message_ids: Sequence[int], *, using: str) -> int:
    """Under the recipients' locks: write the substitutes that are still needed, and close every plan."""
    fallbacks = PlannedFallback.objects.using(using).filter(message_id__in=message_ids).select_related("message")
    with locked_lanes(fallbacks.values_list("message__recipient_id", flat=True), using=using) as lanes:
        plans = list(fallbacks.filter(due_at__isnull=False))
        names = [kinds.lane_name(plan.message.kind, plan.channel) for plan in plans]
        written = lanes.fetch_all(
            sql_fallbacks.SUBSTITUTE,
            {
                "ids": [plan.message_id for plan in plans],
                "claim_numbers": [plan.message.claim_number for plan in plans],
                "channels": [plan.channel for plan in plans],
                "lanes": names,
            },
        )
        lanes.execute(sql_fallbacks.CLOSE, {"ids": list(message_ids)})
        lanes.changed.update((plan.message.recipient_id, name) for plan, name in zip(plans, names, strict=True))
    return len(written)
