"""The statements of fallbacks. The line above each says why it locks what it locks."""

# Comes after the settle that sent the message, in its transaction. Receipts that came before the settle count at once.
WATCH = """
INSERT INTO notifications_plannedfallback (message_id, channel, due_at)
SELECT message.id, plan.channel,
    statement_timestamp() + make_interval(secs => CASE WHEN message.receipt IN ('undelivered', 'bounced') THEN 0
                                                   ELSE plan.after END)
FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(channels)s::text[], %(afters)s::float8[])
     AS plan (id, claim_number, channel, after)
JOIN notifications_outboxmessage message
  ON message.id = plan.id AND message.claim_number = plan.claim_number AND message.status = 'sent'
ON CONFLICT (message_id) DO NOTHING
"""

# Needs the lanes' locks, taken by an earlier statement, and comes before a promotion: the substitute is the youngest of
# its lane, as if it were published now. A message that has arrived, was cancelled, or has a substitute gets none. The
# substitutes get their IDs in the order of the messages, which tells whose each is. No number is drawn from the
# sequence by name, because Citus would draw it on another node.
SUBSTITUTE = """
WITH wanted AS MATERIALIZED (
    SELECT message.*, plan.channel AS other, plan.lane AS other_lane,
        row_number() OVER (ORDER BY message.id) AS position
    FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(channels)s::text[], %(lanes)s::text[])
         AS plan (id, claim_number, channel, lane)
    JOIN notifications_outboxmessage message ON message.id = plan.id AND message.claim_number = plan.claim_number
    WHERE message.status IN ('failed', 'sent') AND message.receipt NOT IN ('delivered', 'read')
      AND (message.expires_at IS NULL OR message.expires_at > statement_timestamp())
      AND NOT EXISTS (SELECT FROM notifications_plannedfallback fallback
                      WHERE fallback.message_id = message.id AND fallback.due_at IS NULL)
), written AS (
    INSERT INTO notifications_outboxmessage
        (recipient_id, lane, kind, channel, context, dedupe_key, reference, origin, traceparent,
         expires_at, created_at, next_attempt_at, status)
    SELECT recipient_id, other_lane, kind, other, context, dedupe_key, reference, origin, traceparent,
        expires_at, statement_timestamp(), statement_timestamp(), 'queued'
    FROM wanted ORDER BY position
    RETURNING id, reference
), about AS (
    INSERT INTO notifications_messagereference (reference, message_id)
    SELECT reference, id FROM written WHERE reference <> ''
)
INSERT INTO notifications_plannedfallback (message_id, channel, due_at, substitute_id)
SELECT wanted.id, wanted.other, NULL, substitute.id
FROM wanted JOIN (SELECT id, row_number() OVER (ORDER BY id) AS position FROM written) AS substitute USING (position)
ON CONFLICT (message_id) DO UPDATE SET due_at = NULL, substitute_id = excluded.substitute_id
WHERE notifications_plannedfallback.substitute_id IS NULL
RETURNING message_id
"""

# Needs the lanes' locks: a message without a substitute by now gets none later.
CLOSE = """
UPDATE notifications_plannedfallback SET due_at = NULL WHERE message_id = ANY(%(ids)s::bigint[]) AND due_at IS NOT NULL
"""
