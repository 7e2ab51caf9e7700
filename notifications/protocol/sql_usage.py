"""The statements that count usage: one row per month, kind, channel and country, so that no report reads messages.

It is counted as the tallies are: relays add to rows of their own with their heartbeat, all else appends rows, and one
relay a minute merges what is left of both. A merge changes no sum.
"""

from notifications.protocol.sql_tally import merged, summed

KEYS = ("month", "kind", "channel", "country", "currency")
NUMBERS = (
    *("sent", "failed", "delivered", "undelivered", "priced", "segments", "cost", "opt_outs"),
    *("delay_seconds", "delivery_seconds"),
)
HISTOGRAMS = ("delays", "deliveries")
COLUMNS = ", ".join((*NUMBERS, *HISTOGRAMS))
MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC')::date"
THIS_MONTH = MONTH.format("clock_timestamp()")

_RELAYS = ("sent", "failed", "delay_seconds", "delays")  # what a relay knows
_MERGE = f"""ON CONFLICT ({", ".join(KEYS)}, relay_id) DO UPDATE SET """

_ADD = f"""
    INSERT INTO notifications_usage AS counted (month, kind, channel, country, relay_id, {", ".join(_RELAYS)})
    SELECT {THIS_MONTH}, seen.kind, seen.channel, seen.country, {{relay}}, {", ".join(_RELAYS)}
    FROM {{beside}}jsonb_to_recordset({{seen}}) AS seen (kind text, channel text, country text,
        sent bigint, failed bigint, delay_seconds float8, delays bigint[])
    {_MERGE}{merged("counted", ("sent", "failed", "delay_seconds"), ("delays",))}
"""
# Part of the heartbeat: adds to the relay's own rows while the relay is known.
USAGE = _ADD.format(relay="beat.id", beside="beat, ", seen="%(seen)s::jsonb -> 'usage'")
# What a lost relay had not counted, to the rows of that relay.
ADD_USAGE = _ADD.format(relay="%(relay)s", beside="", seen="%(seen)s::jsonb")

# What a receipt says of its acceptance. `steps`: 1, 0 or -1 to what arrived and to what did not. `seconds` is null
# where nobody knows when it arrived.
APPEND_DELIVERY = f"""
INSERT INTO notifications_usage (month, kind, channel, country, delivered, undelivered, delivery_seconds, deliveries)
SELECT {MONTH.format("coalesce(%(sent_at)s::timestamptz, clock_timestamp())")}, %(kind)s, %(channel)s, %(country)s,
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
SELECT {MONTH.format("coalesce(message.finished_at, clock_timestamp())")}, message.kind, message.channel, %(country)s,
    %(currency)s, 1, %(segments)s, %(price)s
FROM priced JOIN notifications_outboxmessage message ON message.id = priced.message_id
"""


def append_opt_outs(*, changed: str) -> str:
    """A statement that counts the rows of `changed`, a relation with a channel, as opt-outs. It waits for no lock."""
    return f"""
    INSERT INTO notifications_usage (month, kind, channel, country, opt_outs)
    SELECT {THIS_MONTH}, '', channel, '', count(*) FROM {changed} GROUP BY channel
"""


# Merges what no relay wrote, and the rows of relays that are gone, into one row each, under relay 0. Locks the rows,
# and skips those that another relay is merging.
FOLD = f"""
WITH folded AS (
    DELETE FROM notifications_usage WHERE id IN (
        SELECT id FROM notifications_usage usage
        WHERE relay_id IS NULL
           OR (relay_id <> 0 AND NOT EXISTS (SELECT FROM notifications_relay WHERE id = usage.relay_id))
        ORDER BY id LIMIT %(most)s
        FOR UPDATE SKIP LOCKED)
    RETURNING *
), written AS (
    INSERT INTO notifications_usage AS counted ({", ".join(KEYS)}, relay_id, {COLUMNS})
    SELECT {", ".join(KEYS)}, 0, {summed(NUMBERS, HISTOGRAMS)} FROM folded
    GROUP BY {", ".join(KEYS)} ORDER BY {", ".join(KEYS)}
    {_MERGE}{merged("counted", NUMBERS, HISTOGRAMS)}
)
SELECT count(*) FROM folded
"""
