"""The SQL behind metrics and alerts that `selectors.overview` lacks: what waits by channel, recent ends, totals.

Every query is bounded: unfinished messages through partial indexes up to a limit, and the past from the tallies.
"""

from django.db import DEFAULT_DB_ALIAS

from notifications.protocol.run_sql import fetch_all

# The statuses are literals, so that each part scans its own partial index. A count stops at half a million.
WAITING = """
SELECT channel, state, count(*) FROM (
    (SELECT channel, CASE WHEN next_attempt_at <= now() THEN 'due' ELSE 'later' END AS state
     FROM notifications_outboxmessage WHERE status = 'pending' LIMIT 500000)
    UNION ALL
    (SELECT channel, 'queued' FROM notifications_outboxmessage WHERE status = 'queued' LIMIT 500000)
    UNION ALL
    (SELECT channel, 'sending' FROM notifications_outboxmessage WHERE status = 'sending' LIMIT 500000)
) AS waiting GROUP BY channel, state
"""

WAITING_STATES = ("due", "later", "queued", "sending")

TOTALS = """
SELECT channel, sum(sent), sum(failed), sum(expired), sum(cancelled), sum(replayed),
    sum(accepted), sum(transient), sum(permanent), sum(throttled), sum(unknown)
FROM notifications_tally GROUP BY channel
"""
ENDS = ("sent", "failed", "expired", "cancelled")
ANSWERS = ("accepted", "transient", "permanent", "throttled", "unknown")

RECENT_ENDS = """
SELECT channel, sum(sent)::bigint, sum(failed)::bigint
FROM notifications_tally WHERE minute > now() - make_interval(mins => %(minutes)s) GROUP BY channel
"""

# An open snapshot or transaction keeps the dead rows of every table from being cleaned up. Autovacuum's own does not.
OLDEST_SNAPSHOT = """
SELECT greatest(
    (SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity
     WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND pid <> pg_backend_pid()
       AND backend_type <> 'autovacuum worker'),
    (SELECT max(extract(epoch FROM clock_timestamp() - prepared)) FROM pg_prepared_xacts)
)::float8
"""

OLDEST_TRANSACTIONS = """
SELECT pid, concat_ws(' ', usename, nullif(application_name, '')), state,
    extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_stat_activity
WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
  AND datname = current_database()
ORDER BY xact_start LIMIT 5
"""

CHANNELS = """
SELECT name, paused_at IS NOT NULL, broken_at IS NOT NULL,
    extract(epoch FROM clock_timestamp() - coalesce(paused_at, broken_at))::float8
FROM notifications_channelstate
"""

BROKEN = """
SELECT name, last_error, extract(epoch FROM now() - broken_at)::float8
FROM notifications_channelstate WHERE broken_at IS NOT NULL AND paused_at IS NULL ORDER BY name
"""

# Of each channel that is shut the oldest heads, and of the others those that are tried again later; what has waited
# behind them, in their lanes, for longer than the limit.
HELD_UP = """
SELECT behind.channel, known.name, count(*)
FROM unnest(%(channels)s::text[]) AS known (name)
LEFT JOIN notifications_channelstate state ON state.name = known.name
CROSS JOIN LATERAL (
    SELECT recipient_id, lane FROM notifications_outboxmessage
    WHERE status = 'pending' AND channel = known.name
      AND next_attempt_at > CASE WHEN state.paused_at IS NOT NULL OR state.broken_at IS NOT NULL
                                 THEN timestamptz '-infinity' ELSE now() END
    ORDER BY next_attempt_at LIMIT 100
) AS head
CROSS JOIN LATERAL (
    SELECT channel, created_at FROM notifications_outboxmessage
    WHERE status = 'queued' AND recipient_id = head.recipient_id AND lane = head.lane LIMIT 20
) AS behind
WHERE behind.channel <> known.name AND behind.created_at < now() - make_interval(secs => %(seconds)s)
GROUP BY behind.channel, known.name ORDER BY behind.channel, known.name
"""

# No web process of the relay's release has been heard of lately, and those that have are no deploy just under way.
OTHER_RELEASE = """
SELECT relay.id, relay.host FROM notifications_relay relay
WHERE relay.release <> '' AND relay.lease_until > now()
  AND EXISTS (SELECT FROM notifications_webrelease WHERE seen_at > now() - interval '5 minutes')
  AND NOT EXISTS (
    SELECT FROM notifications_webrelease web WHERE web.seen_at > now() - interval '5 minutes'
      AND (web.release = relay.release OR web.first_seen_at > now() - make_interval(secs => %(seconds)s))
  )
ORDER BY relay.id
"""

RELAY_AGES = """
SELECT id, host, in_flight, extract(epoch FROM clock_timestamp() - heartbeat_at)::float8 FROM notifications_relay
"""

RECENT_RECEIPTS = """
SELECT status, count(*) FROM notifications_receipt WHERE received_at > now() - interval '5 minutes' GROUP BY status
"""


def waiting(using: str = DEFAULT_DB_ALIAS) -> list[tuple[str, str, int]]:
    """Channel, state (due, later, queued, sending) and how many messages."""
    return fetch_all(WAITING, using=using)


def totals(using: str = DEFAULT_DB_ALIAS) -> dict[str, dict[str, int]]:
    """For each channel the totals of the tallies' columns. They only rise."""
    names = (*ENDS, "replayed", *ANSWERS)
    totals = fetch_all(TOTALS, using=using)
    return {channel: dict(zip(names, map(int, counts), strict=True)) for channel, *counts in totals}


def recent_ends(minutes: int, using: str = DEFAULT_DB_ALIAS) -> dict[str, tuple[int, int]]:
    """For each channel, how many messages were sent and how many failed in the last `minutes`."""
    return {
        channel: (sent, failed) for channel, sent, failed in fetch_all(RECENT_ENDS, {"minutes": minutes}, using=using)
    }


def oldest_snapshot_seconds(using: str = DEFAULT_DB_ALIAS) -> float:
    """The age of this server's oldest snapshot, in seconds; 0 if there is none.

    Only a member of pg_read_all_stats sees the age of other roles' sessions.
    """
    return float(fetch_all(OLDEST_SNAPSHOT, using=using)[0][0] or 0.0)


def oldest_transactions(using: str = DEFAULT_DB_ALIAS) -> list[tuple[int, str, str, float]]:
    """This database's oldest open transactions: process, who, state, age in seconds. Not what they say."""
    return [(pid, who, state or "", age) for pid, who, state, age in fetch_all(OLDEST_TRANSACTIONS, using=using)]
