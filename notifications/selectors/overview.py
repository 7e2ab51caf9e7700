"""The state of the outbox now: messages, lanes, channels, relays. For the board, `outbox_status`, metrics and health.

Nothing here reads all of a large table. Unfinished and failed messages are counted through their partial indexes. What
happened is summed from the tallies. The number of sent messages in a large table comes from the planner's statistics.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from notifications.channels import channel_names
from notifications.channels.routes import route_keys
from notifications.lifecycle import Status
from notifications.models.tally import PART_OF_LAST_MINUTE
from notifications.protocol.run_sql import fetch_all
from notifications.selectors.clock_jobs import clock_jobs

MOST_COUNTED = 200_000  # messages in the table: up to here the finished ones are counted one by one
ESTIMATED = (Status.CANCELLED, Status.EXPIRED, Status.SENT)  # beyond; these have no index of their own

COUNTED = """
SELECT 'queued', count(*) FROM notifications_outboxmessage WHERE status = 'queued'
UNION ALL SELECT 'pending', count(*) FROM notifications_outboxmessage WHERE status = 'pending'
UNION ALL SELECT 'sending', count(*) FROM notifications_outboxmessage WHERE status = 'sending'
UNION ALL SELECT 'failed', count(*) FROM notifications_outboxmessage WHERE status = 'failed'
"""

ALL = "SELECT status, count(*) FROM notifications_outboxmessage GROUP BY status"

# Plans only: the table's size now, times what its last ANALYZE saw.
ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM notifications_outboxmessage"
ESTIMATE_OF = ESTIMATE + " WHERE status = '{}'"

# Steps from channel to channel through the index, also to those that are no longer configured; two reads for each.
OLDEST_DUE = """
WITH RECURSIVE head AS (
    (SELECT channel, next_attempt_at FROM notifications_outboxmessage
     WHERE status = 'pending' ORDER BY channel, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT next.channel, next.next_attempt_at FROM head CROSS JOIN LATERAL (
        SELECT channel, next_attempt_at FROM notifications_outboxmessage
        WHERE status = 'pending' AND channel > head.channel ORDER BY channel, next_attempt_at LIMIT 1
    ) AS next
)
SELECT channel, extract(epoch FROM now() - next_attempt_at)::float8 FROM head WHERE next_attempt_at <= now()
"""

# Heads of lanes that wait for a retry. Lanes that are open: all that have a head.
BLOCKED = "SELECT count(*) FROM notifications_outboxmessage WHERE status = 'pending' AND next_attempt_at > now()"

RELAYS = """
SELECT id, host, pid, heartbeat_at, in_flight, concurrency FROM notifications_relay ORDER BY id
"""

LAST_MINUTE = (
    """
SELECT channel, round(sum(sent * part))::bigint, round(sum(failed * part))::bigint
FROM notifications_tally CROSS JOIN LATERAL (SELECT """
    + PART_OF_LAST_MINUTE
    + """ AS part) AS within
WHERE minute >= now() - interval '2 minutes'
GROUP BY channel
"""
)

CHANNELS = """
SELECT name, CASE WHEN paused_at IS NOT NULL THEN 'paused' WHEN broken_at IS NOT NULL THEN 'broken' ELSE 'open' END
FROM notifications_channelstate
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """The outbox at one moment, in the shape of `outbox_status --json`.

    `estimated` names the states whose number in `messages` is the planner's estimate, because the table is large.
    `clock` has the periodic jobs by name (`clock_jobs`).
    """

    messages: dict[str, int]
    oldest_due_seconds: float | None
    lanes: dict[str, int]
    relays: list[dict[str, Any]]
    channels: dict[str, dict[str, Any]]
    estimated: list[str] = field(default_factory=list)
    clock: dict[str, dict[str, Any]] = field(default_factory=dict)


def overview(using: str = DEFAULT_DB_ALIAS) -> Overview:
    """Read the outbox's state from the database `using`."""
    messages, estimated = _messages(using)
    last_minute = {channel: counts for channel, *counts in fetch_all(LAST_MINUTE, using=using)}
    states = dict(fetch_all(CHANNELS, using=using))
    return Overview(
        messages=messages,
        oldest_due_seconds=oldest_due_seconds(using),
        lanes={"open": messages["pending"] + messages["sending"], "blocked": fetch_all(BLOCKED, using=using)[0][0]},
        relays=[
            dict(zip(("id", "host", "pid", "heartbeat_at", "in_flight", "concurrency"), row, strict=True))
            for row in fetch_all(RELAYS, using=using)
        ],
        channels={
            name: {"state": _state(name, states), "sent_last_minute": sent, "failed_last_minute": failed}
            for name in channel_names()
            for sent, failed in [last_minute.get(name, (0, 0))]
        },
        estimated=estimated,
        clock=clock_jobs(using),
    )


def _state(name: str, states: dict[str, str]) -> str:
    """A channel's state; it is broken if all of its routes are, and paused if none of them is open."""
    own, keys = states.get(name, "open"), route_keys(name)
    if own == "paused" or keys == [name]:
        return own
    of_routes = {states.get(key, "open") for key in keys}
    if "open" in of_routes:
        return "open"
    return "broken" if "broken" in of_routes else "paused"


def oldest_due_seconds(using: str = DEFAULT_DB_ALIAS) -> float | None:
    """For how long the oldest due message has been waiting, in seconds; None when nothing is due."""
    return max(oldest_due_by_channel(using).values(), default=None)


def oldest_due_by_channel(using: str = DEFAULT_DB_ALIAS) -> dict[str, float]:
    """The same for each channel with something due."""
    return dict(fetch_all(OLDEST_DUE, using=using))


def _messages(using: str) -> tuple[dict[str, int], list[str]]:
    """How many messages are in which state, and the names of those states that are estimates."""
    total = _estimate(ESTIMATE, using)
    if total <= MOST_COUNTED:
        counted = dict(fetch_all(ALL, using=using))
        return {status.value: counted.get(status.value, 0) for status in Status}, []
    counts = dict(fetch_all(COUNTED, using=using))
    for status in ESTIMATED[:-1]:
        counts[status.value] = _estimate(ESTIMATE_OF.format(status.value), using)
    counts[Status.SENT.value] = max(0, total - sum(counts.values()))
    return {status.value: counts[status.value] for status in Status}, [status.value for status in ESTIMATED]


def _estimate(statement: str, using: str) -> int:
    ((plan,),) = fetch_all(statement, using=using)
    rows: int = plan[0]["Plan"]["Plan Rows"]
    return rows
