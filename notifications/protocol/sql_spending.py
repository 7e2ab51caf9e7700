"""The statements about money: what messages cost by route, and how much of a day's cap is taken.

Costs are counted as usage is: relays add to rows of their own with their heartbeat, prices that a provider tells are
appended, and one relay a minute merges what is left of both. A copy counts as estimated, by its route's price, until
its provider tells what it cost.
"""

from notifications.protocol.sql_tally import CHARGED
from notifications.protocol.sql_usage import folding

KEYS = ("day", "channel", "route", "country", "currency")
NUMBERS = ("estimates", "estimated", "priced", "cost")
DAY = "({} AT TIME ZONE 'UTC')::date"
TODAY = DAY.format("statement_timestamp()")

_ADD = f"""
    INSERT INTO notifications_spending AS counted
        (day, channel, route, country, currency, relay_id, estimates, estimated)
    SELECT {TODAY}, seen.channel, seen.route, seen.country, seen.currency, {{relay}}, estimates, estimated
    FROM {{beside}}jsonb_to_recordset({{seen}}) AS seen (channel text, route text, country text, currency text,
        estimates bigint, estimated numeric)
    ON CONFLICT ({", ".join(KEYS)}, relay_id) DO UPDATE
    SET estimates = counted.estimates + excluded.estimates, estimated = counted.estimated + excluded.estimated
"""
# Part of the heartbeat: adds to the relay's own rows while the relay is known.
SPENDING = _ADD.format(relay="beat.id", beside="beat, ", seen="%(seen)s::jsonb -> 'spending'")
# What a lost relay had not counted, to the rows of that relay.
ADD_SPENDING = _ADD.format(relay="%(relay)s", beside="", seen="%(seen)s::jsonb")

FOLD = folding("notifications_spending", KEYS, NUMBERS)

# What a provider told of one copy: its cost takes the place of what was estimated. Waits for nobody, but for the cap's
# row, which is corrected too while its day lasts.
APPEND_COST = f"""
WITH attempt AS MATERIALIZED (
    SELECT sent.ended_at, sent.route, message.currency,
        {CHARGED.format("sent")} AS price
    FROM notifications_receipt receipt
    JOIN notifications_deliveryattempt sent
      ON sent.message_id = receipt.message_id AND sent.claim_number = receipt.claim_number
    JOIN notifications_outboxmessage message ON message.id = receipt.message_id
    WHERE receipt.message_id = %(message)s AND receipt.provider_id = %(provider_id)s
), corrected AS (
    UPDATE notifications_spendallowance allowance SET taken = allowance.taken + %(price)s - attempt.price
    FROM attempt
    WHERE attempt.price IS NOT NULL AND attempt.currency = %(currency)s AND allowance.currency = %(currency)s
      AND allowance.country = %(country)s AND allowance.day = {DAY.format("attempt.ended_at")}
      AND allowance.day = {TODAY}
), estimated AS (
    INSERT INTO notifications_spending (day, channel, route, country, currency, estimates, estimated)
    SELECT {DAY.format("attempt.ended_at")}, %(channel)s, route, %(country)s, attempt.currency, -1, -attempt.price
    FROM attempt WHERE price IS NOT NULL
)
INSERT INTO notifications_spending (day, channel, route, country, currency, priced, cost)
SELECT {DAY.format("coalesce((SELECT ended_at FROM attempt), statement_timestamp())")}, %(channel)s,
    coalesce((SELECT route FROM attempt), ''), %(country)s, %(currency)s, 1, %(price)s
"""

# What of the amount that is asked for (`excluded.granted`) the country's cap leaves.
_LEFT = """greatest(0, least(excluded.granted,
        (%(mosts_by_country)s::jsonb ->> excluded.country)::numeric - allowance.taken))"""
# Takes, before messages are sent, what they will cost, or as much of it as the cap leaves: `taken` never passes `most`
# by it. Locks the countries' rows for the statement alone, in order, so that no relay waits for another's claim.
TAKE = f"""
WITH moment AS MATERIALIZED (SELECT {TODAY} AS day)
INSERT INTO notifications_spendallowance AS allowance (day, country, currency, taken, granted)
SELECT moment.day, wanted.country, %(currency)s, least(wanted.amount, wanted.most), least(wanted.amount, wanted.most)
FROM unnest(%(countries)s::text[], %(amounts)s::numeric[], %(mosts)s::numeric[])
    AS wanted (country, amount, most), moment
ORDER BY wanted.country
ON CONFLICT (day, country, currency) DO UPDATE
SET granted = {_LEFT}, taken = allowance.taken + {_LEFT}
RETURNING country, granted, day,
    extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - statement_timestamp())::float8
"""

# Gives back what was taken and not spent. A day that is over needs nothing.
GIVE_BACK = f"""
UPDATE notifications_spendallowance allowance SET taken = greatest(0, allowance.taken - unspent.amount)
FROM unnest(%(countries)s::text[], %(amounts)s::numeric[]) AS unspent (country, amount)
WHERE allowance.day = %(day)s AND allowance.day = {TODAY}
  AND allowance.country = unspent.country AND allowance.currency = %(currency)s
"""

# Only reads: what is taken of today's caps.
TAKEN_TODAY = f"SELECT country, taken FROM notifications_spendallowance WHERE day = {TODAY} AND currency = %(currency)s"

FORGET = f"DELETE FROM notifications_spendallowance WHERE day < {TODAY} - %(days)s::int"
