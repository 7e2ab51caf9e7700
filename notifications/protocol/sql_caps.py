"""The statements about caps. The line above each says why it locks what it locks.

They use clock_timestamp(), because a claim that waited for a lock counts in the hour in which it got the lock.
"""

from typing import LiteralString

HOUR: LiteralString = "date_trunc('hour', clock_timestamp(), 'UTC')"
DAY: LiteralString = "date_trunc('day', clock_timestamp(), 'UTC')"

# Waits for another relay that is inserting the same key; in order, so that no two relays wait for each other.
CREATE_ALLOWANCES = """
INSERT INTO notifications_allowance (key) SELECT key FROM unnest(%(keys)s::text[]) AS key ORDER BY key
ON CONFLICT (key) DO NOTHING
"""

# Takes the counts' locks until the claim's transaction ends, in order: what is read is still true when it is added to.
LOCK_ALLOWANCES = f"""
SELECT key, CASE WHEN hour = {HOUR} THEN in_hour ELSE 0 END, CASE WHEN day = {DAY} THEN in_day ELSE 0 END
FROM notifications_allowance WHERE key = ANY(%(keys)s::text[]) ORDER BY key
FOR NO KEY UPDATE
"""

# Needs the counts' locks.
ADD_TO_ALLOWANCES = f"""
UPDATE notifications_allowance allowance
SET hour = {HOUR}, in_hour = CASE WHEN allowance.hour = {HOUR} THEN allowance.in_hour ELSE 0 END + spent.count,
    day = {DAY}, in_day = CASE WHEN allowance.day = {DAY} THEN allowance.in_day ELSE 0 END + spent.count
FROM unnest(%(keys)s::text[], %(counts)s::int[]) AS spent (key, count)
WHERE allowance.key = spent.key
"""
