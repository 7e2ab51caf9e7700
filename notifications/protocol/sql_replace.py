"""The statements of a publication that takes the place of one that still waits."""

from notifications.protocol.sql_moments import CLOCK, later

# Needs the lane's lock. Writes what is published over what waits under the key, which keeps its ID, its place and its
# moment. Only what no relay has ever claimed: a claim that comes meanwhile has the row's lock, and raises its number.
REPLACE = f"""
WITH replaced AS (
    UPDATE notifications_outboxmessage message
    SET kind = %(kind)s::text, context = %(context)s::jsonb, reference = %(reference)s::text,
        origin = %(origin)s::text, traceparent = %(traceparent)s::text,
        expires_at = coalesce(%(expires_at)s::timestamptz,
                              {later("coalesce(message.send_at, clock.now)", "%(expires_after)s::interval")})
    FROM {CLOCK}
    WHERE message.recipient_id = %(recipient)s::bigint AND message.channel = ANY(%(channels)s::text[])
      AND message.replace_key = %(replace_key)s::text AND message.claim_number = 0
      AND message.status IN ('queued', 'pending')
    RETURNING message.id, message.channel, message.lane, message.status, message.created_at, message.next_attempt_at,
        message.send_at, message.place, message.expires_at
), forgotten AS (
    DELETE FROM notifications_messagereference about USING replaced
    WHERE about.message_id = replaced.id AND about.reference <> %(reference)s::text
)
SELECT * FROM replaced ORDER BY id
"""

# Follows REPLACE: a reference that was changed is written anew.
REFER = """
INSERT INTO notifications_messagereference (reference, message_id)
SELECT %(reference)s::text, id FROM unnest(%(ids)s::bigint[]) AS replaced (id) WHERE %(reference)s::text <> ''
ON CONFLICT (message_id) DO NOTHING
"""

# Only reads: what is under way under the key, by channel. It is left alone.
UNDER_WAY = """
SELECT channel, max(id) FROM notifications_outboxmessage
WHERE recipient_id = %(recipient)s::bigint AND channel = ANY(%(channels)s::text[])
  AND replace_key = %(replace_key)s::text AND claim_number > 0 AND status IN ('queued', 'pending', 'sending')
GROUP BY channel
"""
