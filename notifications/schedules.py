"""The outbox's scheduled tasks. The project's scheduler calls them. Each may run twice, and side by side."""

import time
from datetime import timedelta

from django.utils import timezone

from notifications import conf
from notifications.channels import build_channels
from notifications.monitoring import alerts, notifiers
from notifications.operations import bulk_replay
from notifications.operations.prune import prune
from notifications.operations.prune_people import prune_people as prune_people_before
from notifications.operations.release_held import release_due
from notifications.receipts import late_fallback
from notifications.receipts.poll import poll

LONGEST_SECONDS = 120.0  # of one run; the next run continues
LONGEST_REPLAYING_SECONDS = 45.0


def prune_outbox() -> str:
    """Remove messages that ended more than OUTBOX_PRUNE_DAYS ago."""
    days = conf.prune_days()
    if not days:
        return "Nothing is pruned: OUTBOX_PRUNE_DAYS is 0."
    until = time.monotonic() + LONGEST_SECONDS

    def pause(seconds: float) -> bool:
        time.sleep(seconds)
        return time.monotonic() >= until

    pruned = prune(timezone.now() - timedelta(days=days), pause=pause)
    return f"{pruned.total} messages removed{'' if pruned.is_complete else ', more to come'}"


def prune_people() -> str:
    """Delete conversations, codes and counts that are of no use any more, and what was written of erased people."""
    return f"{prune_people_before(timezone.now())} rows removed"


def release_held() -> str:
    """Put messages whose recipients' quiet hours are over back into their lanes."""
    return f"{release_due()} held messages released"


def fall_back() -> str:
    """Send messages that have not arrived in time on another channel."""
    return f"{late_fallback.fall_back_due()} messages sent on another channel"


def finish_bulk_replays() -> str:
    """Finish bulk replays whose page was closed too early."""
    return f"{bulk_replay.finish_abandoned(seconds=LONGEST_REPLAYING_SECONDS)} bulk replays finished"


def poll_receipts() -> str:
    """Ask providers about messages whose receipt never came."""
    channels = build_channels()
    try:
        return str(poll(channels))
    finally:
        for channel in channels.values():
            channel.close()


def look_for_trouble() -> str:
    """Notify ADMINS and OUTBOX_ALERT_URL of each alert once when it starts and once when it clears."""
    sent = alerts.evaluate(notifiers.send)
    return f"notified of: {', '.join(sent)}" if sent else "nothing new"
