"""The database's clock: leases, retries and records go by it, and so does whoever compares a moment with them."""

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """What time it is, by the clock of the database."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
