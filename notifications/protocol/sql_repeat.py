"""The statement that writes a message which sends another one again."""

# Needs the lane's lock, taken by an earlier statement, and comes before a promotion: the repeat is the youngest of its
# lane, as if it were published now. Its dedupe key is empty, because the fact was announced by the original.
REPEAT = """
WITH written AS (
    INSERT INTO notifications_outboxmessage
        (recipient_id, lane, kind, channel, context, dedupe_key, reference, origin, traceparent,
         expires_at, created_at, next_attempt_at, status)
    SELECT recipient_id, %(lane)s::text, kind, %(channel)s::text, context, '', reference, %(origin)s::text, '',
        expires_at, statement_timestamp(), statement_timestamp(), 'queued'
    FROM notifications_outboxmessage WHERE id = %(id)s
    RETURNING id, reference
), about AS (
    INSERT INTO notifications_messagereference (reference, message_id)
    SELECT reference, id FROM written WHERE reference <> ''
)
INSERT INTO notifications_repeat (message_id, original_id) SELECT id, %(original)s::bigint FROM written
RETURNING message_id
"""
