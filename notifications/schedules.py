"""The outbox's scheduled tasks. The project's scheduler calls them. Each may run twice, and side by side."""

import time
from datetime import timedelta

from django.utils import timezone

from notifications import conf
from notifications.channels import build_channels
from notifications.monitoring import alerts, notifiers
from notifications.operations import bulk_replay
from notifications.operations import release_held as holding
from notifications.operations.prune import prune
from notifications.receipts import late_fallback
from notifications.receipts.poll import poll

LONGEST_SECONDS = 120.0  # of one run: what is left is for the next
LONGEST_REPLAYING_SECONDS = 45.0


def prune_outbox() -> str:
    """Remove what ended more than OUTBOX_PRUNE_DAYS ago."""
    days = conf.prune_days()
    if not days:
        return "Nothing is pruned: OUTBOX_PRUNE_DAYS is 0."
    until = time.monotonic() + LONGEST_SECONDS

    def pause(seconds: float) -> bool:
        time.sleep(seconds)
        return time.monotonic() >= until

    pruned = prune(timezone.now() - timedelta(days=days), pause=pause)
    return f"{pruned.total} messages removed{'' if pruned.is_complete else ', more to come'}"


def release_held() -> str:
    """Put messages whose recipients' quiet hours are over back into their lanes."""
    return f"{holding.release_due()} held messages released"


def fall_back() -> str:
    """Send on another channel what is not known to have arrived in time."""
    return f"{late_fallback.fall_back_due()} messages sent on another channel"


def finish_bulk_replays() -> str:
    """Go on with bulk replays whose page was left before they were done."""
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
    """Tell ADMINS and OUTBOX_ALERT_URL what is wrong, once, and when it is over."""
    told = alerts.evaluate(notifiers.send)
    return f"told: {', '.join(told)}" if told else "nothing new"
