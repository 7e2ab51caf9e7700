"""The statements that take a message from enqueue through claim to settle. The others are in the files `sql_*`, for
example heartbeats and rescue in `sql_relays`. The line above each statement says why it locks what it locks.

Statuses are literals, because a generic plan could not use the partial indexes with a bound status. Conditions use
now(), which an index can serve; what is stored uses statement_timestamp(), because now() is the transaction's start.
A statement that writes calls no volatile function. Citus refuses those in an UPDATE, and elsewhere runs them on the
node of the rows, where nobody holds our advisory locks and sequences have other numbers.
Locking a lane and reading it are always two statements: a statement's snapshot is taken before it waits for a lock, so
a single one would read the lane as it was before the wait.
"""

from notifications.protocol.sql_in_flight import STILL_SENDING
from notifications.protocol.sql_moments import CLOCK, after
from notifications.protocol.sql_push import HAS_PUSH
from notifications.protocol.sql_words import HELD_WORDS

# Takes lanes' locks, as publishers, replays and cancellations do: in id order, so that no two wait for each other.
LOCK_RECIPIENTS = """
SELECT id FROM notifications_recipient WHERE id = ANY(%(recipients)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""

# Takes the locks of one recipient's lanes for a publisher, and reads the recipient: in a statement before ENQUEUE.
LOCK_RECIPIENT = f"""
SELECT id, user_id, phone, email, locale, time_zone, opt_outs, {HAS_PUSH}, clock_timestamp(),
    current_setting('transaction_isolation')
FROM notifications_recipient WHERE id = %(key)s FOR NO KEY UPDATE
"""
LOCK_RECIPIENT_OF_USER = LOCK_RECIPIENT.replace("WHERE id", "WHERE user_id")

# Takes the lane locks that are free: a relay never waits for a payment's transaction. NO KEY, because inserting a
# message locks its recipient's key through the foreign key.
LOCK_FREE_RECIPIENTS = """
SELECT id FROM notifications_recipient
WHERE id = ANY(%(recipients)s::bigint[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

# Needs the lane's lock, taken by an earlier statement: only then does "no unfinished row" stay true until commit. The
# dedupe key is used up in the same statement, which waits for an open transaction that is using the same key. A message
# that must not be sent (`suppression`) is recorded as well, already ended, and never in the lane. `written` reads
# no table: so Citus draws the IDs where our session is, as for all other messages, and they are in order (G4).
ENQUEUE = """
WITH used AS (
    INSERT INTO notifications_publishedkey (key) SELECT %(dedupe_key)s::text WHERE %(dedupe_key)s::text <> ''
    ON CONFLICT (key) DO NOTHING
    RETURNING id
), placed AS MATERIALIZED (
    SELECT row.*,
        CASE WHEN row.suppression <> '' THEN 'cancelled'
             WHEN row.leads
              AND NOT EXISTS (SELECT FROM notifications_outboxmessage head
                              WHERE head.recipient_id = %(recipient)s::bigint AND head.lane = row.lane
                                AND head.status IN ('pending', 'sending'))
              AND NOT EXISTS (SELECT FROM notifications_outboxmessage waiting
                              WHERE waiting.recipient_id = %(recipient)s::bigint AND waiting.lane = row.lane
                                AND waiting.status = 'queued')
             THEN 'pending' ELSE 'queued' END AS status
    FROM unnest(%(channels)s::text[], %(lanes)s::text[], %(suppressions)s::text[], %(leads)s::boolean[])
         WITH ORDINALITY AS row (channel, lane, suppression, leads, position)
    WHERE %(dedupe_key)s::text = '' OR EXISTS (SELECT FROM used)
), written AS (
    INSERT INTO notifications_outboxmessage
        (recipient_id, lane, kind, channel, context, dedupe_key, replace_key, reference, origin, traceparent,
         expires_at, send_at, created_at, next_attempt_at, finished_at, error_code, status)
    SELECT %(recipient)s::bigint, lane, %(kind)s::text, channel, %(context)s::jsonb, %(dedupe_key)s::text,
        %(replace_key)s::text, %(reference)s::text, %(origin)s::text, %(traceparent)s::text,
        %(expires_at)s::timestamptz, %(send_at)s::timestamptz, statement_timestamp(),
        coalesce(%(held_until)s::timestamptz, statement_timestamp()),
        CASE WHEN suppression <> '' THEN statement_timestamp() END, suppression, status
    FROM placed
    ORDER BY position
    RETURNING id, channel, lane, status, created_at, next_attempt_at
), about AS (
    INSERT INTO notifications_messagereference (reference, message_id)
    SELECT %(reference)s::text, id FROM written WHERE %(reference)s::text <> ''
)
SELECT * FROM written ORDER BY id
"""

# What a relay reads of a message that it claims: the fields of messages.Claimed.
_CLAIMED = """message.id, message.claim_number, message.recipient_id, message.lane, message.kind, message.channel,
    message.context::text, message.traceparent, message.attempts, message.deferrals, message.rescues,
    message.next_attempt_at, {expires_in} AS expires_in,
    message.unknown_since, recipient.phone, recipient.email, recipient.locale, recipient.time_zone,
    recipient.opt_outs, message.relay_id"""
_EXPIRES_IN = "extract(epoch FROM {}expires_at - statement_timestamp())::float8"

# One channel's share of a claim. The limit is a bound number: taken from a column, it would be estimated as a tenth of
# the backlog, and the plan would read the whole table. {0} is the channel's place, which names its parameters.
DUE_ON_CHANNEL = f"""due_{{0}} AS MATERIALIZED (
    SELECT id, {_EXPIRES_IN.format("")} AS expires_in FROM notifications_outboxmessage
    WHERE status = 'pending' AND channel = %(channel_{{0}})s
      AND next_attempt_at <= now() AND next_attempt_at >= %(position_{{0}})s
    ORDER BY next_attempt_at, id
    LIMIT %(limit_{{0}})s
    FOR NO KEY UPDATE SKIP LOCKED
)"""

# Locks the rows it takes and skips those that another relay is taking. One index scan per channel, from where the last
# claim ended. A relay whose row is gone has lost its lease, and claims nothing (G5). How soon a message expires is
# reckoned while it is searched for, because Citus refuses a clock in RETURNING.
CLAIM = """
WITH {due_on_channels}, due AS ({due})
UPDATE notifications_outboxmessage message
SET status = 'sending', claim_number = message.claim_number + 1, relay_id = %(relay)s,
    claimed_at = statement_timestamp()
FROM due, notifications_recipient recipient
WHERE message.id = due.id AND recipient.id = message.recipient_id
  AND EXISTS (SELECT FROM notifications_relay WHERE id = %(relay)s)
RETURNING """ + _CLAIMED.format(expires_in="due.expires_in")

# Only reads: how long until the next message is due, so that a retry is sent when it is due and not at the next poll.
SECONDS_TO_NEXT_DUE = """
SELECT extract(epoch FROM min(head.next_attempt_at) - clock_timestamp())::float8
FROM unnest(%(channels)s::text[]) AS open (channel)
CROSS JOIN LATERAL (
    SELECT message.next_attempt_at
    FROM notifications_outboxmessage message
    WHERE message.status = 'pending' AND message.channel = open.channel
    ORDER BY message.next_attempt_at
    LIMIT 1
) AS head
"""

# Makes the oldest queued message of each of `lanes` its head; one that had to wait for its moment stands where that
# moment put it. An index finds it, lane by lane: a join would be planned as one scan of everything that is queued.
PROMOTION = (
    """
UPDATE notifications_outboxmessage message
SET {becomes}, next_attempt_at = clock.now
FROM """
    + CLOCK
    + """{beside}
WHERE message.id = ANY(ARRAY(
    SELECT (SELECT waiting.id FROM notifications_outboxmessage waiting
            WHERE waiting.recipient_id = lane.recipient_id AND waiting.lane = lane.lane AND waiting.status = 'queued'
            ORDER BY coalesce(waiting.place, waiting.id), waiting.send_at, waiting.id LIMIT 1)
    FROM {lanes}))
"""
)
_NEXT = "settled AS lane WHERE lane.status <> 'pending'"

# Changes a message only while it is `sending` under this claim number, the fencing token (G5). Ending a lane's head
# needs the lane's lock, taken by an earlier statement; a retry or a hand-back changes nothing else and needs none. The
# statement writes the outcome and its attempt together, so neither is ever without the other. It also promotes the next
# of the lane. Only heads are settled, so no search for another head is needed; under an old snapshot it would scan
# every past head. `settled` yields a row once that row is written, and a unique index checks what is written, not the
# snapshot, so the old head is out of the way.
_SETTLED = f"""
WITH settled AS (
    UPDATE notifications_outboxmessage message
    SET status = done.status, relay_id = NULL,
        lane = CASE WHEN done.status = 'queued' THEN '(held)' ELSE message.lane END, attempts = done.attempts,
        deferrals = coalesce(done.deferrals, message.deferrals),
        next_attempt_at = coalesce({after("clock.now", "done.delay")}, message.next_attempt_at),
        finished_at = CASE WHEN done.status IN ('pending', 'queued') THEN NULL ELSE clock.now END,
        provider_id = coalesce(nullif(done.provider_id, ''), message.provider_id),
        unknown_since = CASE WHEN done.answer = 'unknown'
                             THEN coalesce(message.unknown_since, {after("clock.now", "-done.began")})
                             ELSE message.unknown_since END,
        error_code = CASE WHEN done.answer = 'accepted' THEN '' ELSE coalesce(done.code, message.error_code) END,
        error_detail = coalesce(done.detail, message.error_detail)
    FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(lanes)s::text[], %(statuses)s::text[],
                %(attempts)s::int[], %(deferrals)s::int[], %(delays)s::float8[], %(answers)s::text[],
                %(codes)s::text[], %(details)s::text[], %(provider_ids)s::text[],
                %(addresses)s::text[], %(began)s::float8[], %(ended)s::float8[])
         AS done (id, claim_number, lane, status, attempts, deferrals, delay, answer, code, detail, provider_id,
                    address, began, ended), {CLOCK}
    WHERE message.id = done.id AND {STILL_SENDING} AND message.claim_number = done.claim_number
    RETURNING message.id, message.claim_number, message.created_at, done.answer, done.code, done.detail,
        done.provider_id, done.address, done.began, done.ended, message.recipient_id, done.lane,
        done.status, clock.now, message.route, message.price
), recorded AS (
    INSERT INTO notifications_deliveryattempt
        (message_id, claim_number, relay_id, started_at, ended_at, answer, code, detail, provider_id, address, route,
         price)
    SELECT id, claim_number, %(relay)s, now - make_interval(secs => began), now - make_interval(secs => ended),
        answer, code, detail, provider_id, address, route, price
    FROM settled WHERE answer IS NOT NULL
), promoted AS ("""
_AGE = "date_part('epoch', now - created_at) - ended"

# Returns each settled message, with its age in seconds when its send ended.
SETTLE = (
    _SETTLED
    + PROMOTION.format(becomes="status = 'pending'", beside="", lanes=_NEXT)
    + f""")
SELECT id, claim_number, {_AGE} AS age FROM settled
"""
)

# No channel, if the relay's row is gone.
_OPEN = """, (SELECT ARRAY(SELECT unnest(%(claims)s::text[]) FROM notifications_relay
               WHERE id = %(relay)s)) AS open (channels)"""
_IS_CLAIMED = "message.channel = ANY(open.channels)"

# Claims what it promotes on the channels of `claims`, as CLAIM would in another transaction: one version of the row
# less, and one round trip. Returns the settled messages and the promoted ones; these have no age, and no relay unless
# they are claimed.
_SETTLE_AND_CLAIM = (
    _SETTLED
    + PROMOTION.format(
        becomes=f"""status = CASE WHEN {_IS_CLAIMED} THEN 'sending' ELSE 'pending' END,
    claim_number = message.claim_number + CASE WHEN {_IS_CLAIMED} THEN 1 ELSE 0 END,
    relay_id = CASE WHEN {_IS_CLAIMED} THEN %(relay)s::int END,
    claimed_at = CASE WHEN {_IS_CLAIMED} THEN clock.now ELSE message.claimed_at END""",
        beside=_OPEN,
        lanes=_NEXT,
    )
    + f"""
    RETURNING message.*)
SELECT {_CLAIMED.format(expires_in=_EXPIRES_IN.format("message."))}, NULL AS age
FROM promoted message JOIN notifications_recipient recipient ON recipient.id = message.recipient_id
UNION ALL
SELECT id, claim_number, {"NULL, " * 18}{_AGE} FROM settled
"""
)
SETTLE_AND_CLAIM = " ".join(_SETTLE_AND_CLAIM.split())  # psycopg parses what is longer than 4,096 characters each time

# For lanes that a publisher, an operator or a receipt has changed: they may have a head or not. Needs the lanes' locks,
# and comes after the statement that changed them: a unique index cannot be deferred. Heads too are looked up lane by
# lane.
PROMOTE = PROMOTION.format(
    becomes="status = 'pending'",
    beside="",
    lanes="""unnest(%(recipients)s::bigint[], %(lanes)s::text[]) AS lane (recipient_id, lane)
    WHERE lane.lane <> '(held)'
      AND (SELECT head.id FROM notifications_outboxmessage head
           WHERE head.recipient_id = lane.recipient_id AND head.lane = lane.lane
             AND head.status IN ('pending', 'sending')) IS NULL""",
)

# Only reads: which of these claims are settled already, by a commit whose reply was lost.
ALREADY_SETTLED = """
SELECT attempt.message_id, attempt.claim_number
FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(answers)s::text[]) AS mine (id, claim_number, answer)
JOIN notifications_deliveryattempt attempt
  ON attempt.message_id = mine.id AND attempt.claim_number = mine.claim_number AND attempt.answer = mine.answer
WHERE attempt.code <> 'relay_lost'
"""

# Only reads: is a message left that these channels could still move? Those of a held kind wait for mended words.
UNFINISHED = f"""
SELECT EXISTS (SELECT FROM notifications_outboxmessage message
               WHERE status IN ('pending', 'sending') AND channel = ANY(%(channels)s::text[])
                 AND NOT (error_code = '{HELD_WORDS}' AND status = 'pending' AND next_attempt_at > now() AND EXISTS (
                     SELECT FROM notifications_wordsstate words
                     WHERE words.kind = message.kind AND words.channel = message.channel AND words.held_until > now())))
"""
