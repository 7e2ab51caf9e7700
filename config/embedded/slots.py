"""Gives each run a database of its own: a session's advisory lock claims it while the session is connected."""

import itertools
from typing import Any

from psycopg import Connection


def claim_slot(connection: Connection[Any], prefix: str) -> str:
    """The first of `prefix`, `prefix_2`, `prefix_3`, … that no other session on this database has claimed."""
    for number in itertools.count(1):
        name = prefix if number == 1 else f"{prefix}_{number}"
        claim = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if claim.fetchone() == (True,):
            return name
    raise AssertionError("numbers do not end")
