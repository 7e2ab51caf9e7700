"""The outbox's periodic work, task by task. The clock calls them. Each may run twice, and side by side."""

import time
from datetime import timedelta

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from notifications import conf
from notifications.channels.routes import build_routes
from notifications.monitoring import alerts, notifiers
from notifications.operations import bulk_replay, bulk_rows
from notifications.operations.prune import prune
from notifications.operations.prune_people import prune_people as prune_people_before
from notifications.operations.release_held import release_due
from notifications.receipts import late_fallback
from notifications.receipts.poll import poll

LONGEST_SECONDS = 120.0  # of one run; the next run continues
LONGEST_REPLAYING_SECONDS = 45.0


def prune_outbox(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Remove messages, and the items of bulk actions, that ended more than OUTBOX_PRUNE_DAYS ago."""
    days = conf.prune_days()
    if not days:
        return "Nothing is pruned: OUTBOX_PRUNE_DAYS is 0."
    until = time.monotonic() + LONGEST_SECONDS

    def pause(seconds: float) -> bool:
        time.sleep(seconds)
        return time.monotonic() >= until

    before = timezone.now() - timedelta(days=days)
    pruned = prune(before, pause=pause, using=using)
    bulk_rows.prune_items(before, using=using)
    return f"{pruned.total} messages removed{'' if pruned.is_complete else ', more to come'}"


def prune_people(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Delete conversations, codes and counts that are of no use any more, and what was written of erased people."""
    return f"{prune_people_before(timezone.now(), using=using)} rows removed"


def release_held(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Put messages whose recipients' quiet hours are over back into their lanes."""
    return f"{release_due(using=using)} held messages released"


def fall_back(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Send messages that have not arrived in time on another channel."""
    return f"{late_fallback.fall_back_due(using=using)} messages sent on another channel"


def finish_bulk_replays(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Finish bulk replays whose page was closed too early."""
    return f"{bulk_replay.finish_abandoned(seconds=LONGEST_REPLAYING_SECONDS, using=using)} bulk replays finished"


def poll_receipts(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Ask providers about messages whose receipt never came."""
    channels = build_routes()
    try:
        return str(poll(channels, using=using))
    finally:
        for channel in channels.values():
            channel.close()


def look_for_trouble(*, using: str = DEFAULT_DB_ALIAS) -> str:
    """Notify ADMINS and OUTBOX_ALERT_URL of each alert once when it starts and once when it clears."""
    sent = alerts.evaluate(notifiers.send, using=using)
    return f"notified of: {', '.join(sent)}" if sent else "nothing new"
