"""Outboxes of several tenants in the test database: schemas with its tables, and an alias for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from urllib.parse import quote

from django.db import connection, connections

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ %s"
OF_THE_OUTBOX = "^(notifications_|django_migrations)"


@contextmanager
def tenants(*schemas: str, tables: str = OF_THE_OUTBOX) -> Iterator[None]:
    """Make the schemas, empty, with aliases of the same names; nothing of them is left afterwards.

    `tables`: a regular expression of those that they have.
    """
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [tables])
        names = [row[0] for row in cursor.fetchall()]
        for schema in schemas:
            cursor.execute(f"CREATE SCHEMA {schema}")
            for table in names:
                cursor.execute(f'CREATE TABLE {schema}."{table}" (LIKE public."{table}" INCLUDING ALL)')
            cursor.execute(f"INSERT INTO {schema}.django_migrations SELECT * FROM public.django_migrations")
    for schema in schemas:
        connections.databases[schema] = settings = deepcopy(connections["default"].settings_dict)
        settings["OPTIONS"] = settings["OPTIONS"] | {"options": f"-c search_path={schema}"}
        connections[schema].connect()  # in this thread; Django's tests refuse to connect to what they did not set up
    try:
        yield
    finally:
        for schema in schemas:
            connections[schema].close()
            del connections[schema], connections.databases[schema]
        with connection.cursor() as cursor:
            for schema in schemas:
                cursor.execute(f"DROP SCHEMA {schema} CASCADE")


def url_of(schema: str, database_url: str) -> str:
    """`database_url` for a process that works in the schema alone."""
    return f"{database_url}{'&' if '?' in database_url else '?'}options={quote(f'-c search_path={schema}')}"
