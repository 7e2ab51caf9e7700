"""The rows on trial: the tables of each, and the relay's statements as they would be written for them.

Where a statement can stay as it is but for a name or a condition, it is the real one with that replaced.
"""

from dataclasses import dataclass

from notifications.protocol import sql_messages as sql

MESSAGE = "notifications_outboxmessage"
ATTEMPT = "notifications_deliveryattempt"
REFERENCE = "notifications_messagereference"
KEY = "notifications_publishedkey"
CLAIM = sql.CLAIM.format(due_on_channels=sql.DUE_ON_CHANNEL.format(0), due="SELECT id, expires_in FROM due_0")


@dataclass(frozen=True)
class Variant:
    """`kept` are the tables in which an ended message leaves something, `live` the others that it passes through."""

    name: str
    tables: str
    enqueue: str
    claim: str
    settle: str
    kept: tuple[str, ...]
    live: tuple[str, ...] = ()


def changed(statement: str, *replacements: tuple[str, str]) -> str:
    """The statement with each of the texts replaced. A text that it does not have is a mistake of the trial's."""
    for before, after in replacements:
        assert before in statement, before
        statement = statement.replace(before, after)
    return statement


TODAY = Variant("today", "", sql.ENQUEUE, CLAIM, sql.SETTLE, kept=(MESSAGE, ATTEMPT, REFERENCE, KEY))

# Row movement: the settle changes the partition's key, so PostgreSQL moves the row. No key may leave the partition's
# column out, so what refers to messages loses its foreign keys.
LEAF = f"{MESSAGE}_live"
PART = "CASE WHEN done.status IN ('pending', 'queued') THEN 'infinity' ELSE clock.now::date END"
MOVING = Variant(
    "moving",
    f"""
    DO $$ DECLARE key record; BEGIN
        FOR key IN SELECT conrelid::regclass AS of, conname AS name FROM pg_constraint
                   WHERE confrelid = '{MESSAGE}'::regclass AND contype = 'f' LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', key.of, key.name);
        END LOOP;
    END $$;
    ALTER TABLE {MESSAGE} RENAME TO old;
    CREATE SEQUENCE moving_id;
    CREATE TABLE {MESSAGE} (LIKE old INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
        part date NOT NULL DEFAULT 'infinity', PRIMARY KEY (id, part),
        FOREIGN KEY (recipient_id) REFERENCES notifications_recipient) PARTITION BY RANGE (part);
    ALTER TABLE {MESSAGE} ALTER id SET DEFAULT nextval('moving_id');
    CREATE TABLE {LEAF} PARTITION OF {MESSAGE} FOR VALUES FROM ('infinity') TO (MAXVALUE);
    CREATE TABLE {MESSAGE}_ended PARTITION OF {MESSAGE} FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
    DO $$ DECLARE index record; is_of_ended boolean; BEGIN
        FOR index IN SELECT indexname AS name, indexdef AS definition FROM pg_indexes
                     WHERE tablename = 'old' AND indexdef LIKE '% WHERE %' LOOP
            is_of_ended := index.name IN ('message_ended_of_recipient', 'message_failed');
            EXECUTE 'DROP INDEX ' || index.name;
            EXECUTE replace(replace(index.definition, 'public.old', 'old'), 'ON old',
                            CASE WHEN is_of_ended THEN 'ON {MESSAGE}' ELSE 'ON {LEAF}' END);
        END LOOP;
    END $$;
    """,
    enqueue=changed(sql.ENQUEUE, (f"FROM {MESSAGE}", f"FROM {LEAF}")),
    claim=changed(CLAIM, (MESSAGE, LEAF)),
    settle=changed(
        sql.SETTLE,
        (f"UPDATE {MESSAGE} message\nSET status = 'pending'", f"UPDATE {LEAF} message\nSET status = 'pending'"),
        (f"FROM {MESSAGE} waiting", f"FROM {LEAF} waiting"),
        ("SET status = done.status,", f"SET status = done.status, part = {PART},"),
        ("WHERE message.id = done.id AND", "WHERE message.part = 'infinity' AND message.id = done.id AND"),
    ),
    kept=(f"{MESSAGE}_ended", ATTEMPT, REFERENCE, KEY),
    live=(LEAF,),
)

# Messages that nothing changes, in partitions by their ID; which ended as what is told by their last attempt.
FIXED = f"""
CREATE SEQUENCE fixed_id;
CREATE TABLE fixed (
    id bigint NOT NULL DEFAULT nextval('fixed_id') PRIMARY KEY,
    recipient_id bigint NOT NULL REFERENCES notifications_recipient,
    created_at timestamptz NOT NULL, expires_at timestamptz, send_at timestamptz, lane varchar(32) NOT NULL,
    kind varchar(64) NOT NULL, channel varchar(32) NOT NULL, context jsonb NOT NULL, dedupe_key varchar(200) NOT NULL,
    replace_key varchar(200) NOT NULL, reference varchar(100) NOT NULL, origin varchar(160) NOT NULL,
    traceparent varchar(55) NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE fixed_1 PARTITION OF fixed FOR VALUES FROM (0) TO (100000000);
CREATE TABLE fixed_2 PARTITION OF fixed FOR VALUES FROM (100000000) TO (200000000);
CREATE INDEX fixed_of_lane ON fixed (recipient_id, lane, id);
ALTER TABLE {REFERENCE} DROP CONSTRAINT IF EXISTS to_fixed;
DO $$ DECLARE key text; BEGIN
    SELECT conname INTO key FROM pg_constraint
    WHERE confrelid = '{MESSAGE}'::regclass AND conrelid = '{REFERENCE}'::regclass AND contype = 'f';
    EXECUTE format('ALTER TABLE {REFERENCE} DROP CONSTRAINT %I', key);
END $$;
ALTER TABLE {REFERENCE} ADD CONSTRAINT to_fixed FOREIGN KEY (message_id) REFERENCES fixed DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE {ATTEMPT} ADD ended_as varchar(16);
CREATE INDEX ended_as_failed ON {ATTEMPT} (message_id) WHERE ended_as = 'failed';
"""
STATE = """
    message_id bigint NOT NULL {key}, recipient_id bigint NOT NULL REFERENCES notifications_recipient,
    claim_number bigint NOT NULL DEFAULT 0, next_attempt_at timestamptz NOT NULL, claimed_at timestamptz,
    unknown_since timestamptz, attempts int NOT NULL DEFAULT 0, deferrals int NOT NULL DEFAULT 0,
    rescues int NOT NULL DEFAULT 0, relay_id int, lane varchar(32) NOT NULL, channel varchar(32) NOT NULL,
    route varchar(32) NOT NULL DEFAULT '', status varchar(16) NOT NULL, price numeric(12,6),
    CHECK ((status = 'sending') = (relay_id IS NOT NULL)), CHECK (claim_number >= rescues AND attempts >= 0)
"""
OUTCOMES = """unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(recipients)s::bigint[], %(lanes)s::text[],
    %(statuses)s::text[], %(attempts)s::int[], %(delays)s::float8[], %(answers)s::text[], %(codes)s::text[],
    %(details)s::text[], %(provider_ids)s::text[], %(addresses)s::text[], %(began)s::float8[], %(ended)s::float8[])
    AS done (id, claim_number, recipient_id, lane, status, attempts, delay, answer, code, detail, provider_id, address,
             began, ended)"""
WRITE_FIXED = """
WITH used AS (
    INSERT INTO notifications_publishedkey (key) SELECT %(dedupe_key)s::text WHERE %(dedupe_key)s::text <> ''
    ON CONFLICT (key) DO NOTHING RETURNING id
), written AS (
    INSERT INTO fixed (recipient_id, lane, kind, channel, context, dedupe_key, replace_key, reference, origin,
        traceparent, expires_at, send_at, created_at)
    SELECT %(recipient)s::bigint, row.lane, %(kind)s::text, row.channel, %(context)s::jsonb, %(dedupe_key)s::text,
        %(replace_key)s::text, %(reference)s::text, %(origin)s::text, %(traceparent)s::text,
        %(expires_at)s::timestamptz, %(send_at)s::timestamptz, statement_timestamp()
    FROM unnest(%(channels)s::text[], %(lanes)s::text[]) WITH ORDINALITY AS row (channel, lane, position)
    WHERE %(dedupe_key)s::text = '' OR EXISTS (SELECT FROM used)
    ORDER BY row.position
    RETURNING id, recipient_id, channel, lane, created_at
), about AS (
    INSERT INTO notifications_messagereference (reference, message_id)
    SELECT %(reference)s::text, id FROM written WHERE %(reference)s::text <> ''
), live AS ("""
RECORDED = f"""
    INSERT INTO {ATTEMPT} (message_id, claim_number, relay_id, started_at, ended_at, answer, code, detail, provider_id,
        address, route, price, ended_as)
    SELECT id, claim_number, %(relay)s, statement_timestamp() - make_interval(secs => began),
        statement_timestamp() - make_interval(secs => ended), answer, code, detail, provider_id, address, '', NULL,
        nullif(status, 'pending')
    FROM settled
"""
# What CLAIM reads: all but the state is the message's.
CLAIM_FIXED = (
    """
WITH due AS MATERIALIZED (
    SELECT {key} FROM {table}
    WHERE status = 'pending' AND channel = %(channel_0)s
      AND next_attempt_at <= now() AND next_attempt_at >= %(position_0)s
    ORDER BY next_attempt_at, message_id LIMIT %(limit_0)s FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE {table} state
    SET status = 'sending', claim_number = state.claim_number + 1, relay_id = %(relay)s,
        claimed_at = statement_timestamp()
    FROM due WHERE {same} AND EXISTS (SELECT FROM notifications_relay WHERE id = %(relay)s)
    RETURNING state.*
)
SELECT """
    + sql._CLAIMED.format(expires_in="extract(epoch FROM message.expires_at - statement_timestamp())::float8")
    + """
FROM claimed state JOIN fixed message ON message.id = state.message_id
JOIN notifications_recipient recipient ON recipient.id = state.recipient_id
"""
)
for _column in ("claim_number", "attempts", "deferrals", "rescues", "next_attempt_at", "unknown_since", "relay_id"):
    CLAIM_FIXED = changed(CLAIM_FIXED, (f"message.{_column}", f"state.{_column}"))

# One row for each lane: its primary key refuses a second head. The next in turn is found among the messages.
HEADS = Variant(
    "heads",
    FIXED
    + f"""
    CREATE TABLE head ({STATE.format(key="")}, PRIMARY KEY (recipient_id, lane)) WITH (fillfactor = 70);
    CREATE INDEX head_due ON head (channel, next_attempt_at, message_id) WHERE status = 'pending';
    CREATE INDEX head_in_flight ON head (relay_id) WHERE status = 'sending';
    """,
    enqueue=WRITE_FIXED
    + """
    INSERT INTO head (message_id, recipient_id, next_attempt_at, lane, channel, status)
    SELECT DISTINCT ON (lane) id, recipient_id, created_at, lane, channel, 'pending' FROM written ORDER BY lane, id
    ON CONFLICT (recipient_id, lane) DO NOTHING
) SELECT * FROM written ORDER BY id""",
    claim=CLAIM_FIXED.format(
        key="recipient_id, lane", table="head", same="state.recipient_id = due.recipient_id AND state.lane = due.lane"
    ),
    settle=f"""
    WITH done AS MATERIALIZED (
        SELECT *, CASE WHEN status = 'pending' THEN id ELSE (
            SELECT next.id FROM fixed next
            WHERE next.recipient_id = done.recipient_id AND next.lane = done.lane AND next.id > done.id
            ORDER BY next.id LIMIT 1) END AS next
        FROM {OUTCOMES}
    ), moved AS (
        UPDATE head SET message_id = done.next, status = 'pending', relay_id = NULL, claimed_at = NULL,
            channel = (SELECT channel FROM fixed WHERE fixed.id = done.next),
            claim_number = CASE WHEN done.next = done.id THEN head.claim_number ELSE 0 END,
            attempts = CASE WHEN done.next = done.id THEN done.attempts ELSE 0 END,
            next_attempt_at = statement_timestamp() + make_interval(secs => coalesce(done.delay, 0))
        FROM done
        WHERE head.recipient_id = done.recipient_id AND head.lane = done.lane AND head.message_id = done.id
          AND head.status = 'sending' AND head.claim_number = done.claim_number AND done.next IS NOT NULL
        RETURNING done.*
    ), gone AS (
        DELETE FROM head USING done
        WHERE head.recipient_id = done.recipient_id AND head.lane = done.lane AND head.message_id = done.id
          AND head.status = 'sending' AND head.claim_number = done.claim_number AND done.next IS NULL
        RETURNING done.*
    ), settled AS (SELECT * FROM moved UNION ALL SELECT * FROM gone
    ), recorded AS ({RECORDED})
    SELECT id, claim_number FROM settled""",
    kept=("fixed_1", ATTEMPT, REFERENCE, KEY),
    live=("head", "fixed_2"),
)

# One narrow row for each unfinished message, with today's indexes on it. It is deleted when the message ends.
STATES = Variant(
    "states",
    changed(
        FIXED, ("fixed_of_lane ON fixed (recipient_id, lane, id)", "fixed_of_recipient ON fixed (recipient_id, id)")
    )
    + f"""
    CREATE TABLE state ({STATE.format(key="PRIMARY KEY REFERENCES fixed")}, place bigint, send_at timestamptz);
    CREATE UNIQUE INDEX state_one_head_per_lane ON state (recipient_id, lane) WHERE status IN ('pending', 'sending');
    CREATE INDEX state_due ON state (channel, next_attempt_at, message_id) WHERE status = 'pending';
    CREATE INDEX state_turn ON state (recipient_id, lane, coalesce(place, message_id), send_at, message_id)
        WHERE status = 'queued';
    CREATE INDEX state_in_flight ON state (relay_id) WHERE status = 'sending';
    """,
    enqueue=WRITE_FIXED
    + """
    INSERT INTO state (message_id, recipient_id, next_attempt_at, lane, channel, status)
    SELECT id, recipient_id, created_at, lane, channel,
        CASE WHEN row_number() OVER (PARTITION BY lane ORDER BY id) = 1
              AND NOT EXISTS (SELECT FROM state head WHERE head.recipient_id = %(recipient)s::bigint
                                AND head.lane = written.lane AND head.status IN ('pending', 'sending'))
              AND NOT EXISTS (SELECT FROM state waiting WHERE waiting.recipient_id = %(recipient)s::bigint
                                AND waiting.lane = written.lane AND waiting.status = 'queued')
             THEN 'pending' ELSE 'queued' END
    FROM written
) SELECT * FROM written ORDER BY id""",
    claim=CLAIM_FIXED.format(key="message_id", table="state", same="state.message_id = due.message_id"),
    settle=f"""
    WITH done AS MATERIALIZED (SELECT * FROM {OUTCOMES}
    ), retried AS (
        UPDATE state SET status = 'pending', relay_id = NULL, attempts = done.attempts,
            next_attempt_at = statement_timestamp() + make_interval(secs => done.delay)
        FROM done
        WHERE state.message_id = done.id AND state.status = 'sending' AND state.claim_number = done.claim_number
          AND done.status = 'pending'
        RETURNING done.*
    ), gone AS (
        DELETE FROM state USING done
        WHERE state.message_id = done.id AND state.status = 'sending' AND state.claim_number = done.claim_number
          AND done.status <> 'pending'
        RETURNING done.*
    ), settled AS (SELECT * FROM retried UNION ALL SELECT * FROM gone
    ), promoted AS (
        UPDATE state SET status = 'pending', next_attempt_at = statement_timestamp()
        WHERE message_id = ANY(ARRAY(
            SELECT (SELECT waiting.message_id FROM state waiting
                    WHERE waiting.recipient_id = lane.recipient_id AND waiting.lane = lane.lane
                      AND waiting.status = 'queued'
                    ORDER BY coalesce(waiting.place, waiting.message_id), waiting.send_at, waiting.message_id LIMIT 1)
            FROM gone AS lane))
    ), recorded AS ({RECORDED})
    SELECT id, claim_number FROM settled""",
    kept=("fixed_1", ATTEMPT, REFERENCE, KEY),
    live=("state", "fixed_2"),
)

# Today's rows, and partitions of ended ones to which housekeeping moves what ended long ago.
ARCHIVED = Variant(
    "archived",
    f"""
    CREATE TABLE archive (LIKE {MESSAGE}, PRIMARY KEY (id, finished_at)) PARTITION BY RANGE (finished_at);
    CREATE TABLE archive_1 PARTITION OF archive FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
    CREATE INDEX ON archive (recipient_id, id);
    CREATE TABLE attempts (LIKE {ATTEMPT}, PRIMARY KEY (message_id, claim_number, ended_at))
        PARTITION BY RANGE (ended_at);
    CREATE TABLE attempts_1 PARTITION OF attempts FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
    """,
    sql.ENQUEUE,
    CLAIM,
    sql.SETTLE,
    kept=(MESSAGE, ATTEMPT, REFERENCE, KEY),
    live=("archive_1", "attempts_1"),
)
VARIANTS = (TODAY, HEADS, STATES, MOVING, ARCHIVED)
