"""The statements of relays: their rows, heartbeats and ends, and the return of what a departed one had claimed.

The line above each statement says why it locks what it locks.
"""

from notifications.protocol.sql_channels import CHANNEL_STATE
from notifications.protocol.sql_schema import SCHEMA
from notifications.protocol.sql_spending import SPENDING
from notifications.protocol.sql_tally import ATTEMPTS_SO_FAR, COUNT_LEFTOVERS, LEFT_OVER, TALLY, USED, append
from notifications.protocol.sql_usage import USAGE

# Only read, for REGISTER. They are two, because on Citus the catalogue is read where our session is, whose locks count,
# and a table where its rows are. The attempts of a relay that is new come after the last one that there is.
LOCK_CLASS = f"SELECT %(lock_class)s::int # {SCHEMA}"
LAST_ATTEMPT = f"SELECT {ATTEMPTS_SO_FAR}"

# Adds a relay's row. Its lock class and its id are the two keys of its advisory lock.
REGISTER = """
INSERT INTO notifications_relay
    (host, pid, concurrency, release, in_flight, started_at, heartbeat_at, lease_until, lock_class, counted_to)
VALUES (%(host)s, %(pid)s, %(concurrency)s, %(release)s, 0, statement_timestamp(), statement_timestamp(),
        statement_timestamp() + make_interval(secs => %(lease)s), %(lock_class)s, %(counted_to)s)
RETURNING id
"""

# The session holds this lock for as long as the relay lives; it falls free when the connection drops. The second one is
# what relays of versions before `lock_class` look at; in `public` both are the same.
HOLD_RELAY_LOCK = (
    "SELECT pg_try_advisory_lock(%(lock_class)s # "
    + SCHEMA
    + """, %(relay)s)
FROM (SELECT pg_try_advisory_lock(%(lock_class)s, %(relay)s) OFFSET 0) AS of_earlier_versions
"""
)

# Locks the relay's own row, against a relay that is declaring it dead: one of the two wins. Writes down the counts
# since the last heartbeat. `lease.Heartbeat` explains what it returns. Citus takes no empty SELECT beside records.
HEARTBEAT = (
    """
WITH beat AS (
    UPDATE notifications_relay
    SET heartbeat_at = statement_timestamp(), in_flight = %(in_flight)s, load = %(load)s,
        lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
        counted_to = CASE WHEN %(counts)s THEN """
    + ATTEMPTS_SO_FAR
    + """ ELSE counted_to END
    WHERE id = %(relay)s
    RETURNING id, command
), tallied AS ("""
    + TALLY
    + """), used AS ("""
    + USAGE
    + """), spent AS ("""
    + SPENDING
    + """)
SELECT EXISTS (SELECT 1 FROM beat) AS is_known,
    ARRAY(SELECT id FROM notifications_relay
          WHERE id <> %(relay)s AND heartbeat_at < now() - make_interval(secs => %(stale)s)) AS suspects,
    ARRAY(SELECT DISTINCT relay_id FROM notifications_outboxmessage
          WHERE status = 'sending' AND relay_id NOT IN (SELECT id FROM notifications_relay)) AS departed,
    EXISTS (SELECT 1 FROM notifications_departedrelay) AS is_count_left_over,
    (SELECT coalesce(jsonb_object_agg(name, """
    + CHANNEL_STATE
    + """), '{}') FROM notifications_channelstate channel) AS channels,
    EXISTS (SELECT 1 FROM notifications_outboxmessage
            WHERE status = 'pending' AND channel = ANY(%(claimable)s::text[]) AND next_attempt_at <= now())
        AS is_something_due,
    coalesce((SELECT command FROM beat), '') AS command,
    (SELECT count(*) FROM notifications_outboxmessage WHERE status = 'sending' AND relay_id = %(relay)s) AS held,
    statement_timestamp() AS moment
"""
)

# Only reads: the locks of relays that look dead. Relays of a version before `lock_class` may hold another lock, so of
# them the lease alone decides.
LOCKS_OF = """
SELECT id, lock_class FROM notifications_relay WHERE id = ANY(%(suspects)s::int[]) AND lock_class IS NOT NULL
"""

# Which of these locks are free. They are released with the transaction. This names no table, so that Citus looks where
# the relays' sessions are.
TRY_LOCKS = """
SELECT id FROM unnest(%(ids)s::int[], %(classes)s::int[]) AS lock (id, class)
WHERE pg_try_advisory_xact_lock(class, id)
"""

# Declares relays dead by removing their rows: those whose lease has run out, and those whose lock was free and whose
# heartbeat is stale still. Remembers up to where they are counted; COUNT_DEPARTED counts the rest.
DECLARE_DEAD = """
WITH dead AS (
    DELETE FROM notifications_relay relay
    WHERE relay.id = ANY(%(suspects)s::int[])
      AND (relay.lease_until < statement_timestamp()
           OR (relay.id = ANY(%(unlocked)s::int[])
               AND relay.heartbeat_at < statement_timestamp() - make_interval(secs => %(stale)s)))
    RETURNING relay.id, relay.counted_to
)
INSERT INTO notifications_departedrelay (id, counted_to) SELECT id, counted_to FROM dead
RETURNING id
"""

# Returns what departed relays held. Their ids are never used again, so no live relay's message is among them. Locks the
# rows, and skips those that another relay is returning. Whether a send had begun is unknown: the attempt says so.
RESCUE = (
    """
WITH orphan AS MATERIALIZED (
    SELECT id, relay_id FROM notifications_outboxmessage
    WHERE status = 'sending' AND relay_id = ANY(%(departed)s::int[])
    ORDER BY id LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED
), rescued AS (
    UPDATE notifications_outboxmessage message
    SET status = 'pending', relay_id = NULL, rescues = message.rescues + 1, next_attempt_at = statement_timestamp(),
        unknown_since = coalesce(message.unknown_since, message.claimed_at),
        error_code = 'relay_lost', error_detail = ''
    FROM orphan WHERE message.id = orphan.id
    RETURNING message.id, message.claim_number, message.claimed_at, message.channel, message.route, orphan.relay_id
), tallied AS ("""
    + append("unknown", changed="rescued")
    + """)
INSERT INTO notifications_deliveryattempt
    (message_id, claim_number, relay_id, started_at, ended_at, answer, code, detail, provider_id, route)
SELECT id, claim_number, relay_id, NULL, statement_timestamp(), 'unknown', 'relay_lost', '', '', route FROM rescued
RETURNING message_id
"""
)

# Counts what departed relays had not counted, and returns what of it is usage or money. A settle of theirs may still be
# running, for as long as a commit waits for a standby: until it ends, its messages are seen as `sending` under their
# relay. So of a relay that holds none in this statement's snapshot, all attempts are seen too. Locks the rows, and
# skips those that another relay is counting.
COUNT_DEPARTED = (
    """
WITH complete AS MATERIALIZED (
    SELECT id FROM notifications_departedrelay departed
    WHERE NOT EXISTS (SELECT 1 FROM notifications_outboxmessage
                      WHERE status = 'sending' AND relay_id = departed.id)
    FOR UPDATE SKIP LOCKED
), uncounted AS (
    DELETE FROM notifications_departedrelay WHERE id IN (SELECT id FROM complete)
    RETURNING id, counted_to
), """
    + LEFT_OVER
    + """, tallied AS ("""
    + COUNT_LEFTOVERS
    + """)
"""
    + USED
)

# Returns messages that our claim took but whose reply was lost: no send of them has begun. Locks the rows; no other
# relay changes them while our own row is there.
RETURN_UNANSWERED = """
UPDATE notifications_outboxmessage SET status = 'pending', relay_id = NULL
WHERE status = 'sending' AND relay_id = %(relay)s
  AND (id, claim_number) NOT IN (SELECT * FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::int[]))
RETURNING id
"""

# Removes the row of a relay that stops, unless one of its sends is still running.
LEAVE = "DELETE FROM notifications_relay WHERE id = %(relay)s"
