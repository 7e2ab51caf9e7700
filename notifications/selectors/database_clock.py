"""The database's clock. Leases, retries and records use it, so compare their times with this clock only."""

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """The current time of the database."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
