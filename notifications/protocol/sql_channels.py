"""The statements about channels: what all relays agree on. The line above each says why it locks what it locks."""

from typing import LiteralString

from notifications.protocol.sql_moments import CLOCK, after

# A channel's state, in seconds from now, because clocks differ.
CHANNEL_STATE = """jsonb_build_object(
    'is_paused', channel.paused_at IS NOT NULL,
    'is_broken', channel.broken_at IS NOT NULL,
    'moved_to', channel.moved_to,
    'failures', channel.failures,
    'probe_in', extract(epoch FROM channel.probe_at - statement_timestamp()),
    'recovered_for', extract(epoch FROM statement_timestamp() - channel.recovered_at))"""

# Adds the relay's channels where they are missing; locks no row that exists.
REGISTER_CHANNELS = """
INSERT INTO notifications_channelstate (name) SELECT unnest(%(channels)s::text[]) ON CONFLICT (name) DO NOTHING
"""

# A channel's failures in a row, including those of this report. An answer starts the count anew. But if the channel is
# broken and the relay did not know it, its answer is older than the outage, and the count goes on.
IN_A_ROW: LiteralString = """(CASE WHEN %(has_answered)s AND (channel.broken_at IS NULL OR %(knows_outage)s) THEN 0
          ELSE channel.failures END + %(failures)s)"""

PROBE_AT = after("clock.now", "least(%(longest_probe)s, %(first_probe)s * 2.0 ^ least(probes, 30))")

# Locks the channel's row for a moment. `most` failures in a row break the channel, or postpone the next probe; an
# answer that fewer follow ends an outage. Only the locked row is read, so reports at the same moment add up.
REPORT_CHANNEL = f"""
WITH channel AS (
    UPDATE notifications_channelstate channel
    SET failures = {IN_A_ROW},
        broken_at = CASE WHEN {IN_A_ROW} >= %(most)s THEN coalesce(broken_at, clock.now) END,
        probes = CASE WHEN {IN_A_ROW} >= %(most)s THEN probes + (broken_at IS NOT NULL)::int ELSE 0 END,
        probe_at = CASE WHEN {IN_A_ROW} >= %(most)s THEN {PROBE_AT} END,
        recovered_at = CASE WHEN {IN_A_ROW} < %(most)s AND broken_at IS NOT NULL THEN clock.now
                            ELSE recovered_at END,
        last_error = coalesce(nullif(%(code)s, ''), last_error)
    FROM {CLOCK}
    WHERE name = %(channel)s
    RETURNING channel.*
)
SELECT jsonb_build_object(name, {CHANNEL_STATE}) FROM channel
"""

# Locks the channel's row for a moment: one relay gets the right to test the provider, and the others see it taken.
TAKE_PROBE = """
UPDATE notifications_channelstate SET probe_at = statement_timestamp() + make_interval(secs => %(pause)s)
WHERE name = %(channel)s AND broken_at IS NOT NULL AND paused_at IS NULL AND probe_at <= statement_timestamp()
RETURNING name
"""

# Locks limited channels until what was claimed is charged: relays take turns. Says for how long each has been due.
LOCK_CHANNELS = """
SELECT name, extract(epoch FROM clock_timestamp() - next_slot_at)::float8
FROM notifications_channelstate WHERE name = ANY(%(channels)s::text[])
ORDER BY name
FOR NO KEY UPDATE
"""

# Needs the channel's lock. A rate that went unused for longer than a burst is forfeited.
CHARGE_CHANNEL = f"""
WITH charged AS (
    UPDATE notifications_channelstate
    SET next_slot_at = {after("greatest(next_slot_at, clock.earliest)", "%(seconds)s")}
    FROM (SELECT statement_timestamp() - make_interval(secs => %(burst)s) AS earliest) AS clock
    WHERE name = %(channel)s
    RETURNING next_slot_at
)
SELECT extract(epoch FROM next_slot_at - statement_timestamp())::float8 FROM charged
"""

# Locks the channel's row for a moment; relays learn of it with their next heartbeat.
PAUSE_CHANNEL = """
INSERT INTO notifications_channelstate AS channel (name, paused_at, paused_by, pause_reason)
VALUES (%(channel)s, statement_timestamp(), %(actor)s, %(reason)s)
ON CONFLICT (name) DO UPDATE
SET paused_at = excluded.paused_at, paused_by = %(actor)s, pause_reason = %(reason)s
WHERE channel.paused_at IS NULL
RETURNING name
"""

RESUME_CHANNEL = """
UPDATE notifications_channelstate SET paused_at = NULL, paused_by = '', pause_reason = ''
WHERE name = %(channel)s AND paused_at IS NOT NULL
RETURNING name
"""
