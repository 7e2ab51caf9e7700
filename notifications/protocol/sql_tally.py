"""The statements that count: one row per minute, channel and relay, so that no two relays wait for each other.

A relay adds its counts to its own rows in the statement of its heartbeat, which also records the last attempt that is
counted. If a relay is lost, the relay that declares it dead counts the rest from its attempts, so the sums stay exact
whichever relay is killed. Replays and cancellations by people are appended in rows without a relay, and merged later.
"""

from collections.abc import Sequence

from notifications.protocol.histogram import BOUNDS, SIZE

STATUSES = ("sent", "failed", "expired", "cancelled", "replayed")
ANSWERS = ("accepted", "transient", "permanent", "throttled", "unknown")
NUMBERS = (*STATUSES, *ANSWERS, "delay_seconds", "duration_seconds")
HISTOGRAMS = ("delays", "durations")
COLUMNS = ", ".join((*NUMBERS, *HISTOGRAMS))

DEPTH_MOST = 500_000  # messages that a sample counts at most


def _types() -> str:
    whole = [f"{name} bigint" for name in (*STATUSES, *ANSWERS)]
    return ", ".join(
        [*whole, "delay_seconds float8", "duration_seconds float8", *(f"{name} bigint[]" for name in HISTOGRAMS)]
    )


def merged(table: str, numbers: Sequence[str], histograms: Sequence[str]) -> str:
    """The part of an upsert that adds the columns of the new row to those that `table` has."""
    sums = [f"{name} = {table}.{name} + excluded.{name}" for name in numbers]
    sums += [
        f"{name} = ARRAY[{', '.join(f'{table}.{name}[{place}] + excluded.{name}[{place}]' for place in _places())}]"
        for name in histograms
    ]
    return ", ".join(sums)


def _places() -> range:
    return range(1, SIZE + 1)


def summed(numbers: Sequence[str], histograms: Sequence[str]) -> str:
    """The columns of several rows, added up."""
    sums = [f"sum({name})" for name in numbers]
    sums += [f"ARRAY[{', '.join(f'sum({name}[{place}])' for place in _places())}]::bigint[]" for name in histograms]
    return ", ".join(sums)


def _histogram(seconds: str, among: str) -> str:
    lower = ("'-infinity'", *map(str, BOUNDS))
    upper = (*map(str, BOUNDS), "'infinity'")
    counts = (
        f"count(*) FILTER (WHERE {among} AND {seconds} > {low} AND {seconds} <= {high})"
        for low, high in zip(lower, upper, strict=True)
    )
    return f"ARRAY[{', '.join(counts)}]::bigint[]"


MERGE = f"""ON CONFLICT (minute, channel, relay_id) DO UPDATE
    SET counted_until = excluded.counted_until, {merged("tally", NUMBERS, HISTOGRAMS)}"""

# Part of the heartbeat: adds to the relay's own rows while the relay is known. With nothing counted no row is touched.
TALLY = f"""
    INSERT INTO notifications_tally AS tally (minute, channel, relay_id, counted_from, counted_until, {COLUMNS})
    SELECT date_trunc('minute', statement_timestamp()), seen.channel, beat.id,
        statement_timestamp(), statement_timestamp(), {COLUMNS}
    FROM beat, jsonb_to_recordset(%(seen)s::jsonb -> 'channels') AS seen (channel text, {_types()})
    {MERGE}
"""

# The id up to which a relay's attempts are counted: those that it has written are not above it, those to come are.
ATTEMPTS_SO_FAR = "coalesce((SELECT max(id) FROM notifications_deliveryattempt), 0)"

# What the copy of an attempt, of the row that is named, is charged by its route's price: nothing where none went out.
CHARGED = "CASE WHEN {0}.answer IN ('accepted', 'unknown') AND {0}.code <> 'adopted' THEN {0}.price END"

# The attempts that the relays `uncounted` (id, counted_to) have written and not counted. Nested loops by primary key: a
# join would be estimated at a third of the table, and read all of it.
LEFT_OVER = f"""left_over AS MATERIALIZED (
    SELECT uncounted.id AS relay_id, message.kind, message.channel, attempt.address, attempt.answer, attempt.duration,
        {CHARGED.format("attempt")} AS price,
        attempt.route, message.currency, message.delay,
        message.status = 'failed' AND attempt.claim_number = message.claim_number AS has_failed
    FROM uncounted
    CROSS JOIN LATERAL (
        SELECT message_id, claim_number, answer, code, address, relay_id, ended_at, route, price,
            extract(epoch FROM ended_at - started_at)::float8 AS duration
        FROM notifications_deliveryattempt
        WHERE id > uncounted.counted_to ORDER BY id LIMIT 1000000
    ) AS attempt
    CROSS JOIN LATERAL (
        SELECT kind, channel, status, claim_number, currency,
            extract(epoch FROM attempt.ended_at - created_at)::float8 AS delay
        FROM notifications_outboxmessage WHERE id = attempt.message_id LIMIT 1
    ) AS message
    WHERE attempt.relay_id = uncounted.id AND attempt.duration IS NOT NULL
)"""
# Those that usage or costs count, with the address that tells the country: Python knows which.
USED = """SELECT relay_id, kind, channel, address, answer = 'accepted', has_failed, delay, route, price, currency
FROM left_over WHERE answer = 'accepted' OR has_failed OR price IS NOT NULL"""
COUNT_LEFTOVERS = f"""
    INSERT INTO notifications_tally AS tally (minute, channel, relay_id, counted_from, counted_until,
        sent, failed, {", ".join(ANSWERS)}, delay_seconds, duration_seconds, {", ".join(HISTOGRAMS)})
    SELECT date_trunc('minute', statement_timestamp()), channel, relay_id, statement_timestamp(), statement_timestamp(),
        count(*) FILTER (WHERE answer = 'accepted'),
        count(*) FILTER (WHERE has_failed),
        {", ".join(f"count(*) FILTER (WHERE answer = '{answer}')" for answer in ANSWERS)},
        coalesce(sum(delay) FILTER (WHERE answer = 'accepted'), 0), coalesce(sum(duration), 0),
        {_histogram("delay", "answer = 'accepted'")},
        {_histogram("duration", "true")}
    FROM left_over
    GROUP BY channel, relay_id
    {MERGE}
"""
# For a relay whose connection broke: it cannot know whether its last heartbeat was committed. The database knows.
RECOUNT = f"""
WITH uncounted AS MATERIALIZED (
    SELECT id, counted_to FROM notifications_relay WHERE id = %(relay)s FOR NO KEY UPDATE
), {LEFT_OVER}, tallied AS ({COUNT_LEFTOVERS}), counted AS (
    UPDATE notifications_relay relay SET counted_to = {ATTEMPTS_SO_FAR} FROM uncounted WHERE relay.id = uncounted.id
)
{USED}
"""


def append(column: str, *, changed: str) -> str:
    """A statement that counts the rows of `changed`, a relation with a channel. It waits for no lock."""
    return f"""
    INSERT INTO notifications_tally (minute, channel, {column})
    SELECT date_trunc('minute', statement_timestamp()), channel, count(*) FROM {changed} GROUP BY channel
"""


# Counts what waits, once a minute, by the first relay to come; the others find it done. Index-only scans.
SAMPLE = f"""
WITH counted (minute, queued, later, due, sending, failed) AS MATERIALIZED (
    SELECT date_trunc('minute', now()),
        (SELECT count(*) FROM (SELECT FROM notifications_outboxmessage
                               WHERE status = 'queued' LIMIT {DEPTH_MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM notifications_outboxmessage
                               WHERE status = 'pending' AND next_attempt_at > now() LIMIT {DEPTH_MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM notifications_outboxmessage
                               WHERE status = 'pending' AND next_attempt_at <= now() LIMIT {DEPTH_MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM notifications_outboxmessage
                               WHERE status = 'sending' LIMIT {DEPTH_MOST}) AS counted),
        (SELECT count(*) FROM (SELECT FROM notifications_outboxmessage
                               WHERE status = 'failed' LIMIT {DEPTH_MOST}) AS counted)
    WHERE NOT EXISTS (SELECT FROM notifications_depth WHERE minute = date_trunc('minute', now()))
)
INSERT INTO notifications_depth (minute, queued, later, due, sending, failed)
SELECT minute, queued, later, due, sending, failed FROM counted
ON CONFLICT (minute) DO NOTHING
RETURNING minute
"""

# Merges rows of minutes that are over. Locks them, and skips those that another relay is merging. This leaves one row
# per minute and channel, under relay 0; after two hours one per ten minutes; after the days that are kept, one per
# channel, under the epoch, so that sums never fall.
_TARGET = """CASE WHEN minute < now() - make_interval(days => %(days)s) THEN timestamptz 'epoch'
         WHEN minute < now() - interval '2 hours' THEN date_bin('10 minutes', minute, 'epoch')
         ELSE minute END"""
FOLD = f"""
WITH few AS MATERIALIZED (
    SELECT id FROM notifications_tally
    WHERE minute < now() - interval '5 minutes' AND (relay_id IS DISTINCT FROM 0 OR minute <> {_TARGET})
    ORDER BY minute LIMIT 10000
    FOR UPDATE SKIP LOCKED
), folded AS (
    DELETE FROM notifications_tally WHERE id IN (SELECT id FROM few)
    RETURNING *
)
INSERT INTO notifications_tally AS tally (minute, channel, relay_id, counted_from, counted_until, {COLUMNS})
SELECT target, channel, 0, min(counted_from), max(counted_until), {summed(NUMBERS, HISTOGRAMS)}
FROM (SELECT *, {_TARGET} AS target FROM folded) AS each GROUP BY target, channel
{MERGE}
"""

FORGET_DEPTHS = "DELETE FROM notifications_depth WHERE minute < now() - make_interval(days => %(days)s)"
