"""What the outbox looks like now: read once here, shown by the admin, `outbox_status` and the health checks."""

from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from notifications.channels import channel_names
from notifications.lifecycle import Status

# Unfinished messages are counted through their partial indexes; finished ones by a scan of the status alone.
COUNTS = "SELECT status, count(*) FROM notifications_outboxmessage GROUP BY status"

OLDEST_DUE = """
SELECT extract(epoch FROM now() - min(next_attempt_at))::float8
FROM notifications_outboxmessage WHERE status = 'pending' AND next_attempt_at <= now()
"""

# Open: recipients (or their channels) with anything unfinished. Blocked: those whose head waits for a retry.
LANES = """
SELECT count(*), count(*) FILTER (WHERE head.status = 'pending' AND head.next_attempt_at > now())
FROM notifications_outboxmessage head WHERE head.status IN ('pending', 'sending')
"""

RELAYS = """
SELECT id, host, pid, heartbeat_at, in_flight, concurrency FROM notifications_relay ORDER BY id
"""

LAST_MINUTE = """
SELECT channel, count(*) FILTER (WHERE status = 'sent'), count(*) FILTER (WHERE status = 'failed')
FROM notifications_outboxmessage
WHERE status IN ('sent', 'failed') AND finished_at > now() - interval '1 minute'
GROUP BY channel
"""


CHANNELS = """
SELECT name, CASE WHEN paused_at IS NOT NULL THEN 'paused' WHEN broken_at IS NOT NULL THEN 'broken' ELSE 'open' END
FROM notifications_channel
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """The outbox at one moment, in the shape of `outbox_status --json`."""

    messages: dict[str, int]
    oldest_due_seconds: float | None
    lanes: dict[str, int]
    relays: list[dict[str, Any]]
    channels: dict[str, dict[str, Any]]


def overview(using: str = DEFAULT_DB_ALIAS) -> Overview:
    """Read the outbox's state from the database `using`."""
    counted = dict(_rows(COUNTS, using))
    last_minute = {channel: counts for channel, *counts in _rows(LAST_MINUTE, using)}
    states = dict(_rows(CHANNELS, using))
    open_lanes, blocked = _rows(LANES, using)[0]
    return Overview(
        messages={status.value: counted.get(status.value, 0) for status in Status},
        oldest_due_seconds=oldest_due_seconds(using),
        lanes={"open": open_lanes, "blocked": blocked},
        relays=[
            dict(zip(("id", "host", "pid", "heartbeat_at", "in_flight", "concurrency"), row, strict=True))
            for row in _rows(RELAYS, using)
        ],
        channels={
            name: {"state": states.get(name, "open"), "sent_last_minute": sent, "failed_last_minute": failed}
            for name in channel_names()
            for sent, failed in [last_minute.get(name, (0, 0))]
        },
    )


def oldest_due_seconds(using: str = DEFAULT_DB_ALIAS) -> float | None:
    """For how long the oldest due message has been waiting, in seconds; None when nothing is due."""
    seconds: float | None = _rows(OLDEST_DUE, using)[0][0]
    return seconds


def _rows(statement: str, using: str) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
