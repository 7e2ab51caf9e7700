"""Returns messages whose quiet hours are over, or whose moment has come, to their lanes.

A held message waits in the lane `(held)`, which never moves, so nothing waits behind it. Once it is back in its own
lane, it goes before the younger messages that still wait there, as a replayed message does. A lane never has two
messages in flight. One that was published for a moment (`send_at`) takes its place by that moment instead: behind what
was due before it, before what is due after it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import DEFAULT_DB_ALIAS

from notifications import conf, kinds
from notifications.lifecycle import HELD, Status
from notifications.models import OutboxMessage
from notifications.protocol import sql_lanes
from notifications.protocol.bad_rows import work_on_all
from notifications.protocol.lanes import locked_lanes
from notifications.selectors.database_clock import database_now

AGAIN_AFTER = timedelta(minutes=10)  # for a message on which this failed
MOST_AT_ONCE = 100  # messages whose recipients are locked by one transaction


def release_due(*, now: datetime | None = None, using: str = DEFAULT_DB_ALIAS) -> int:
    """Put messages whose quiet hours are over, or whose moment has come, into their lanes; returns how many.

    Safe to run side by side.
    """
    held = OutboxMessage.objects.using(using).filter(status=Status.QUEUED, lane=HELD)
    now = now or database_now(using)
    due = held.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "id")
    released = 0
    while batch := dict(due.values_list("id", "recipient_id")[:MOST_AT_ONCE]):
        done, bad = work_on_all("release", list(batch), partial(release_batch, batch, using=using))
        released += done
        held.filter(pk__in=bad).update(next_attempt_at=now + AGAIN_AFTER)
    return released


def release_batch(recipients: Mapping[int, int], messages: Sequence[int], *, using: str) -> int:
    """Put the held ones among `messages` into their lanes, in one transaction, or in the caller's; returns how many."""
    named = {"by_channel": conf.is_lane_by_channel(), "lanes": json.dumps(kinds.lanes_of_their_own())}
    with locked_lanes((recipients[message] for message in messages), using=using) as lanes:
        rows = lanes.fetch_all(sql_lanes.RELEASE, {"ids": list(messages)} | named)
        lanes.changed.update((recipient, lane) for recipient, lane in rows)
    return len(rows)
