"""The statements of a publication to many. Each works on a batch, in an order that two publications share."""

from notifications.protocol.sql_push import HAS_PUSH

# Only reads: a snapshot older than the locks could miss that a lane is free.
ISOLATION = "SELECT current_setting('transaction_isolation')"

# Adds recipients for users that have none, in the order of their keys: it waits for an open transaction that is adding
# the same. {user} is the type of a user's key.
CREATE_RECIPIENTS = """
INSERT INTO notifications_recipient (user_id, phone, email, locale, time_zone, opt_outs, address_opt_outs)
SELECT row.user_id::{user}, row.phone, row.email, row.locale, row.time_zone,
    row.opt_outs::varchar[], row.opt_outs::varchar[]
FROM unnest(%(users)s::text[], %(phones)s::text[], %(emails)s::text[], %(locales)s::text[], %(time_zones)s::text[],
            %(opt_outs)s::text[]) WITH ORDINALITY
     AS row (user_id, phone, email, locale, time_zone, opt_outs, position)
ORDER BY row.position
ON CONFLICT (user_id) DO NOTHING
"""

# Finds who is just an address, by its place in the arrays, the older first. One row of them for each form of a number.
# Each is looked up by its index: a join could be planned as one scan of all recipients.
STRANGERS_BY_PHONE = """
SELECT wanted.place, stranger.id
FROM unnest(%(places)s::integer[], %(phones)s::text[], %(emails)s::text[]) AS wanted (place, phone, email)
JOIN LATERAL (SELECT id FROM notifications_recipient
              WHERE phone = wanted.phone AND NOT phone = '' AND user_id IS NULL
                AND upper(email) = upper(wanted.email) AND lower(email) = lower(wanted.email)
              OFFSET 0) AS stranger ON true
ORDER BY stranger.id
"""
STRANGERS_BY_EMAIL = """
SELECT wanted.place, stranger.id
FROM unnest(%(places)s::integer[], %(emails)s::text[]) AS wanted (place, email)
JOIN LATERAL (SELECT id FROM notifications_recipient
              WHERE upper(email) = upper(wanted.email) AND NOT email = '' AND user_id IS NULL
                AND phone = '' AND lower(email) = lower(wanted.email)
              OFFSET 0) AS stranger ON true
ORDER BY stranger.id
"""

# Adds recipients that are just an address, one for each. Needs the addresses' locks. `numbers` are the phones in the
# form by which they are compared.
CREATE_STRANGERS = """
INSERT INTO notifications_recipient (phone, email, locale, time_zone, opt_outs, address_opt_outs)
SELECT DISTINCT ON (row.number, upper(row.email), lower(row.email))
    row.phone, row.email, row.locale, row.time_zone, row.opt_outs::varchar[], row.opt_outs::varchar[]
FROM unnest(%(numbers)s::text[], %(phones)s::text[], %(emails)s::text[], %(locales)s::text[], %(time_zones)s::text[],
            %(opt_outs)s::text[]) WITH ORDINALITY
     AS row (number, phone, email, locale, time_zone, opt_outs, position)
ORDER BY row.number, upper(row.email), lower(row.email), row.position
"""

# Takes lanes' locks, in id order over all batches, and reads what recipients want: all of it before ENQUEUE_MANY.
LOCK_MANY = f"""
SELECT id, opt_outs, time_zone, phone <> '', email <> '', {HAS_PUSH}
FROM notifications_recipient WHERE id = ANY(%(recipients)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""

# Uses up dedupe keys, in their order over all batches, and after all lanes' locks: so no two calls wait in a circle.
# It waits for an open transaction that is using the same key. Returns those that were free.
USE_KEYS = """
INSERT INTO notifications_publishedkey (key)
SELECT key FROM unnest(%(keys)s::text[]) AS wanted (key) ORDER BY key COLLATE "C"
ON CONFLICT (key) DO NOTHING
RETURNING key
"""

# As ENQUEUE, for many lanes, whose locks must be held. Heads and what waits are looked up lane by lane: a join, or an
# EXISTS, could be planned as one scan of everything that waits.
ENQUEUE_MANY = """
WITH placed AS MATERIALIZED (
    SELECT row.*,
        CASE WHEN row.suppression <> '' THEN 'cancelled'
             WHEN row.leads
              AND (SELECT head.id FROM notifications_outboxmessage head
                   WHERE head.recipient_id = row.recipient AND head.lane = row.lane
                     AND head.status IN ('pending', 'sending')) IS NULL
              AND (SELECT waiting.id FROM notifications_outboxmessage waiting
                   WHERE waiting.recipient_id = row.recipient AND waiting.lane = row.lane
                     AND waiting.status = 'queued'
                   LIMIT 1) IS NULL
             THEN 'pending' ELSE 'queued' END AS status
    FROM unnest(%(recipients)s::bigint[], %(channels)s::text[], %(lanes)s::text[], %(suppressions)s::text[],
                %(leads)s::boolean[], %(contexts)s::text[], %(dedupe_keys)s::text[], %(references)s::text[],
                %(held_until)s::text[])
         WITH ORDINALITY
         AS row (recipient, channel, lane, suppression, leads, context, dedupe_key, reference, held_until, position)
), written AS (
    INSERT INTO notifications_outboxmessage
        (recipient_id, lane, kind, channel, context, dedupe_key, reference, origin, traceparent,
         expires_at, send_at, created_at, next_attempt_at, finished_at, error_code, status)
    SELECT recipient, lane, %(kind)s::text, channel, context::jsonb, dedupe_key, reference,
        %(origin)s::text, %(traceparent)s::text, %(expires_at)s::timestamptz,
        %(send_at)s::timestamptz, statement_timestamp(),
        coalesce(held_until::timestamptz, statement_timestamp()),
        CASE WHEN suppression <> '' THEN statement_timestamp() END, suppression, status
    FROM placed
    ORDER BY position
    RETURNING id, reference
), about AS (
    INSERT INTO notifications_messagereference (reference, message_id)
    SELECT reference, id FROM written WHERE reference <> ''
)
SELECT id FROM written ORDER BY id
"""
