"""Who waits for a lock in the test database: the event that tests of two transactions wait for."""

from django.db import connection

WAITING = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def waiting_for_a_lock() -> set[int]:
    """The server processes (`backend_pid`) of the connections that wait for a lock at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return {pid for (pid,) in cursor.fetchall()}
