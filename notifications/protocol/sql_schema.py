"""The schema that the outbox lives in, as a number, for names that PostgreSQL knows in the whole database.

Advisory locks and channels of NOTIFY belong to no schema. Two outboxes in one database, as of two tenants, would share
them: one tenant's locks would make the other wait, and one's messages would wake the other's relays. So these names
carry the schema's OID. It is the schema of the table, not the first of the search path, which may hold other tables.

In `public` the number is 0, and the names are those of earlier versions: there, old and new processes run side by side.

Sources: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS (locks are local to a
database), https://www.postgresql.org/docs/current/sql-notify.html (so are channels).
"""

SCHEMA = """(SELECT CASE WHEN relnamespace = to_regnamespace('public') THEN 0 ELSE relnamespace::int END
    FROM pg_class WHERE oid = 'notifications_recipient'::regclass)"""
