"""The statements that count usage: one row per month, kind, channel and country, so that no report reads messages.

It is counted as the tallies are: relays add to rows of their own with their heartbeat, all else appends rows, and one
relay a minute merges what is left of both. A merge changes no sum.
"""

from collections.abc import Sequence

from notifications.protocol.sql_tally import merged, summed

KEYS = ("month", "kind", "channel", "country", "currency")
NUMBERS = (
    *("sent", "failed", "delivered", "undelivered", "priced", "segments", "cost", "opt_outs"),
    *("delay_seconds", "delivery_seconds"),
)
HISTOGRAMS = ("delays", "deliveries")
COLUMNS = ", ".join((*NUMBERS, *HISTOGRAMS))
MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC')::date"
THIS_MONTH = MONTH.format("statement_timestamp()")

_RELAYS = ("sent", "failed", "delay_seconds", "delays")  # what a relay knows

_ADD = f"""
    INSERT INTO notifications_usage AS counted (month, kind, channel, country, relay_id, {", ".join(_RELAYS)})
    SELECT {THIS_MONTH}, seen.kind, seen.channel, seen.country, {{relay}}, {", ".join(_RELAYS)}
    FROM {{beside}}jsonb_to_recordset({{seen}}) AS seen (kind text, channel text, country text,
        sent bigint, failed bigint, delay_seconds float8, delays bigint[])
    ON CONFLICT ({", ".join(KEYS)}, relay_id)
    DO UPDATE SET {merged("counted", ("sent", "failed", "delay_seconds"), ("delays",))}
"""
# Part of the heartbeat: adds to the relay's own rows while the relay is known.
USAGE = _ADD.format(relay="beat.id", beside="beat, ", seen="%(seen)s::jsonb -> 'usage'")
# What a lost relay had not counted, to the rows of that relay.
ADD_USAGE = _ADD.format(relay="%(relay)s", beside="", seen="%(seen)s::jsonb")

# What a receipt says of its acceptance. `steps`: 1, 0 or -1 to what arrived and to what did not. `seconds` is null
# where nobody knows when it arrived.
APPEND_DELIVERY = f"""
INSERT INTO notifications_usage (month, kind, channel, country, delivered, undelivered, delivery_seconds, deliveries)
SELECT {MONTH.format("coalesce(%(sent_at)s::timestamptz, statement_timestamp())")}, %(kind)s, %(channel)s, %(country)s,
    %(delivered)s, %(undelivered)s, %(seconds)s, %(deliveries)s::bigint[]
"""

# Writes a price once, and counts it. It waits for nobody but another report of this acceptance.
APPEND_PRICE = f"""
WITH priced AS (
    UPDATE notifications_receipt
    SET price = %(price)s, currency = %(currency)s, segments = %(segments)s,
        poll_at = CASE WHEN status = 'sent' THEN poll_at END
    WHERE message_id = %(message)s AND provider_id = %(provider_id)s AND price IS NULL
    RETURNING message_id
)
INSERT INTO notifications_usage (month, kind, channel, country, currency, priced, segments, cost)
SELECT {MONTH.format("coalesce(message.finished_at, statement_timestamp())")}, message.kind, message.channel,
    %(country)s, %(currency)s, 1, %(segments)s, %(price)s
FROM priced JOIN notifications_outboxmessage message ON message.id = priced.message_id
"""


def append_opt_outs(*, changed: str) -> str:
    """A statement that counts the rows of `changed`, a relation with a channel, as opt-outs. It waits for no lock."""
    return f"""
    INSERT INTO notifications_usage (month, kind, channel, country, opt_outs)
    SELECT {THIS_MONTH}, '', channel, '', count(*) FROM {changed} GROUP BY channel
"""


def folding(table: str, keys: Sequence[str], numbers: Sequence[str], histograms: Sequence[str] = ()) -> str:
    """A statement that merges what no relay wrote, and the rows of relays that are gone, into one row for each of
    `keys`, under relay 0.

    It locks the rows, and skips those that another relay is merging. The few are found once: a subquery in the DELETE
    may run once per row, by the planner's choice, and its limit with it.
    """
    by = ", ".join(keys)
    return f"""
WITH few AS MATERIALIZED (
    SELECT id FROM {table} counter
    WHERE relay_id IS NULL
       OR (relay_id <> 0 AND NOT EXISTS (SELECT FROM notifications_relay WHERE id = counter.relay_id))
    ORDER BY id LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
), folded AS (
    DELETE FROM {table} WHERE id IN (SELECT id FROM few)
    RETURNING *
), written AS (
    INSERT INTO {table} AS counted ({by}, relay_id, {", ".join((*numbers, *histograms))})
    SELECT {by}, 0, {summed(numbers, histograms)} FROM folded
    GROUP BY {by} ORDER BY {by}
    ON CONFLICT ({by}, relay_id) DO UPDATE SET {merged("counted", numbers, histograms)}
)
SELECT count(*) FROM folded
"""


FOLD = folding("notifications_usage", KEYS, NUMBERS, HISTOGRAMS)
