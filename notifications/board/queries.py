"""The board's SQL. Every query uses partial indexes or small tables, and has a limit.

A count stops at MOST_COUNTED. Above it, the board shows the last minute's sample.
"""

from notifications.models.tally import PART_OF_LAST_MINUTE
from notifications.selectors.just_failed import MOST_FAILURES

MOST_COUNTED = 2_000
MOST_HEADS = 100  # lanes looked at, per channel, for those with the most waiting behind
MOST_BEHIND = 200
MOST_RECEIPTS = 500
MOST_DELIVERED = 500  # accepted messages, per route's name
MOST_HELD_UP = 20  # counted behind each blocked lane's head

_MESSAGES = "notifications_outboxmessage"


def _count(condition: str) -> str:
    return f"(SELECT count(*) FROM (SELECT FROM {_MESSAGES} WHERE {condition} LIMIT {MOST_COUNTED} + 1) AS counted)"


TOTALS = f"""
SELECT {_count("status = 'queued'")}, {_count("status = 'sending'")}, {_count("status = 'failed'")}
"""

# The channels that are configured, and those that relays have met.
CHANNELS = f"""
SELECT known.name, channel.paused_at, channel.paused_by, channel.pause_reason, channel.broken_at, channel.probes,
    channel.probe_at, channel.recovered_at, channel.last_error,
    {_count("status = 'pending' AND channel = known.name AND next_attempt_at <= now()")},
    {_count("status = 'pending' AND channel = known.name AND next_attempt_at > now()")},
    (SELECT extract(epoch FROM now() - next_attempt_at)::float8 FROM {_MESSAGES}
     WHERE status = 'pending' AND channel = known.name AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT 1)
FROM (SELECT unnest(%(channels)s::text[]) AS name UNION
      SELECT name FROM notifications_channelstate WHERE name NOT LIKE '%%:%%') AS known
LEFT JOIN notifications_channelstate channel ON channel.name = known.name
ORDER BY known.name
"""

IS_READ_ONLY = "SELECT current_setting('transaction_read_only')::boolean OR pg_is_in_recovery()"

RELAYS = """
SELECT id, host, pid, concurrency, in_flight, started_at, heartbeat_at, load, command,
    release, extract(epoch FROM clock_timestamp() - heartbeat_at)::float8, lease_until < clock_timestamp()
FROM notifications_relay ORDER BY id
"""

HOUR = f"""
SELECT minute, channel, relay_id, sent, failed, delays, {PART_OF_LAST_MINUTE}
FROM notifications_tally WHERE minute > now() - interval '61 minutes'
"""

DAY = """
SELECT date_bin('10 minutes', minute, 'epoch') AS bin, sum(sent)::bigint, sum(failed)::bigint, {delays}
FROM notifications_tally WHERE minute > now() - interval '1 day' GROUP BY bin
"""

# Take the highest of several samples, because a short peak is what people look for.
DEPTHS = """
SELECT date_bin(%(step)s::interval, minute, 'epoch') AS bin, max(queued + later), max(due), max(sending)
FROM notifications_depth WHERE minute > now() - %(period)s::interval GROUP BY bin
"""

LATEST_DEPTH = (
    "SELECT minute, queued, later, due, sending, failed FROM notifications_depth ORDER BY minute DESC LIMIT 1"
)

# Heads that wait for a retry, or for a channel that is paused or out of service; of each channel the next to be due.
BLOCKED = f"""
SELECT head.id, head.recipient_id, head.lane, head.channel, head.error_code, head.next_attempt_at, head.created_at,
    (SELECT count(*) FROM (
        SELECT FROM {_MESSAGES} behind
        WHERE behind.status = 'queued' AND behind.recipient_id = head.recipient_id AND behind.lane = head.lane
        LIMIT {MOST_BEHIND} + 1) AS counted) AS behind
FROM unnest(%(channels)s::text[], %(are_shut)s::boolean[]) AS known (name, is_shut)
CROSS JOIN LATERAL (
    SELECT id, recipient_id, lane, channel, error_code, next_attempt_at, created_at FROM {_MESSAGES}
    WHERE status = 'pending' AND channel = known.name
      AND next_attempt_at > CASE WHEN known.is_shut THEN timestamptz '-infinity' ELSE now() END
    ORDER BY next_attempt_at LIMIT {MOST_HEADS}
) AS head
ORDER BY behind DESC, head.created_at, head.id LIMIT 10
"""

FAILURES = f"""
SELECT channel, error_code, count(*), max(finished_at) FROM (
    SELECT channel, error_code, finished_at FROM {_MESSAGES}
    WHERE status = 'failed' ORDER BY id DESC LIMIT {MOST_FAILURES}
) AS latest
GROUP BY channel, error_code ORDER BY count(*) DESC, channel, error_code LIMIT 20
"""

# Heads that wait for another attempt, of each channel the next to be due.
RETRIED = f"""
SELECT known.name, head.error_code, count(*)
FROM unnest(%(channels)s::text[]) AS known (name)
CROSS JOIN LATERAL (
    SELECT error_code FROM {_MESSAGES}
    WHERE status = 'pending' AND channel = known.name AND next_attempt_at > now()
    ORDER BY next_attempt_at LIMIT {MOST_COUNTED}
) AS head
WHERE head.error_code <> ''
GROUP BY known.name, head.error_code ORDER BY count(*) DESC, known.name, head.error_code LIMIT 20
"""

# Messages that could go, but for a head of another channel: of each channel the heads that go next.
HELD_UP = f"""
SELECT behind.channel, known.name, count(*)
FROM unnest(%(channels)s::text[], %(are_shut)s::boolean[]) AS known (name, is_shut)
CROSS JOIN LATERAL (
    SELECT recipient_id, lane FROM {_MESSAGES}
    WHERE status = 'pending' AND channel = known.name
      AND next_attempt_at > CASE WHEN known.is_shut THEN timestamptz '-infinity' ELSE now() END
    ORDER BY next_attempt_at LIMIT {MOST_HEADS}
) AS head
CROSS JOIN LATERAL (
    SELECT channel FROM {_MESSAGES}
    WHERE status = 'queued' AND recipient_id = head.recipient_id AND lane = head.lane LIMIT {MOST_HELD_UP}
) AS behind
WHERE behind.channel <> known.name
GROUP BY behind.channel, known.name ORDER BY count(*) DESC, behind.channel, known.name
"""

RECEIPTS = f"""
SELECT message.channel, latest.status, count(*) FROM (
    SELECT message_id, status FROM notifications_receipt
    WHERE received_at > now() - interval '1 day' ORDER BY received_at DESC LIMIT {MOST_RECEIPTS}
) AS latest
CROSS JOIN LATERAL (SELECT channel FROM {_MESSAGES} WHERE id = latest.message_id LIMIT 1) AS message
GROUP BY message.channel, latest.status ORDER BY message.channel, latest.status
"""

# What became of the latest messages that each route's provider accepted within the hour: about how many it has reported
# an end, how many arrived, and the median time until then. Attempts by their index, receipts by their unique key.
DELIVERED = f"""
SELECT message.channel, latest.route, count(*),
    count(*) FILTER (WHERE receipt.status IN ('delivered', 'read', 'undelivered', 'bounced')),
    count(*) FILTER (WHERE receipt.status IN ('delivered', 'read')),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM receipt.received_at - latest.ended_at)::float8)
        FILTER (WHERE receipt.status = 'delivered')
FROM unnest(%(routes)s::text[]) AS known (name)
CROSS JOIN LATERAL (
    SELECT route, message_id, provider_id, ended_at FROM notifications_deliveryattempt
    WHERE route = known.name AND route <> '' AND answer = 'accepted' AND ended_at > now() - interval '1 hour'
    ORDER BY ended_at DESC LIMIT {MOST_DELIVERED}
) AS latest
CROSS JOIN LATERAL (SELECT channel FROM {_MESSAGES} WHERE id = latest.message_id LIMIT 1) AS message
LEFT JOIN LATERAL (
    SELECT status, received_at FROM notifications_receipt
    WHERE message_id = latest.message_id AND provider_id = latest.provider_id LIMIT 1
) AS receipt ON true
GROUP BY message.channel, latest.route
"""
