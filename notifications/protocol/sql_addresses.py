"""The statements that lock an address, or whole shelves of them: `recipients/addresses.py` says what for."""

from notifications.protocol.sql_schema import SCHEMA

LOCK_ADDRESS = (
    "WITH here (schema) AS "
    + SCHEMA
    + """
SELECT pg_advisory_xact_lock_shared(%(shelves)s # here.schema, hashtext(%(key)s) & %(last)s),
    pg_advisory_xact_lock(%(addresses)s # here.schema, hashtext(%(key)s))
FROM here
"""
)
LOCK_SHELVES = (
    "WITH here (schema) AS "
    + SCHEMA
    + """
SELECT pg_advisory_xact_lock(%(shelves)s # here.schema, shelf)
FROM here, (SELECT DISTINCT hashtext(key) & %(last)s AS shelf
            FROM unnest(%(keys)s::text[]) AS wanted (key) ORDER BY 1 OFFSET 0) AS each
"""
)
