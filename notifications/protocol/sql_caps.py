"""The statements about caps. The line above each says why it locks what it locks.

They use statement_timestamp(), because now() is the moment at which the claim's transaction began.
"""

from typing import LiteralString

HOUR: LiteralString = "date_trunc('hour', statement_timestamp(), 'UTC')"
DAY: LiteralString = "date_trunc('day', statement_timestamp(), 'UTC')"

# Counts first and returns the sums, so that the usual case, nothing over a cap, is one statement. In order, so that no
# two relays wait for each other; the counts' locks last until the claim's transaction ends, so a sum is still true when
# TAKE_BACK corrects it. `excluded` holds what is added. Whoever waited for a lock over the end of an hour counts in the
# hour that the row has reached by then: the hour is read once, because reading it takes longer than the rest of a row.
COUNT = f"""
WITH moment AS MATERIALIZED (SELECT {HOUR} AS hour, {DAY} AS day)
INSERT INTO notifications_allowance AS allowance (key, hour, in_hour, day, in_day)
SELECT key, moment.hour, count, moment.day, count
FROM unnest(%(keys)s::text[], %(counts)s::int[]) AS claimed (key, count), moment ORDER BY key
ON CONFLICT (key) DO UPDATE
SET hour = greatest(allowance.hour, excluded.hour), day = greatest(allowance.day, excluded.day),
    in_hour = CASE WHEN allowance.hour >= excluded.hour THEN allowance.in_hour ELSE 0 END + excluded.in_hour,
    in_day = CASE WHEN allowance.day >= excluded.day THEN allowance.in_day ELSE 0 END + excluded.in_day
RETURNING key, in_hour, in_day
"""

# What COUNT counted in the same transaction, and is not sent after all. Needs the counts' locks, which COUNT took.
TAKE_BACK = """
UPDATE notifications_allowance allowance
SET in_hour = allowance.in_hour - unsent.count, in_day = allowance.in_day - unsent.count
FROM unnest(%(keys)s::text[], %(counts)s::int[]) AS unsent (key, count)
WHERE allowance.key = unsent.key
"""
