"""Changes lanes in four steps: lock them, change them, promote, wake the relays. A settle has steps of its own.

The order is the protocol's. The lock is taken by a statement of its own, before anything is read or written; the
promotion comes after the last change (G4).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from notifications.protocol import sql_messages as sql
from notifications.protocol.notify import notify_after_commit
from notifications.protocol.promotion import Lane, promote


class LockedLanes:
    """Lanes that stay locked until the transaction ends. `changed` are those that are promoted at the end."""

    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor
        self.changed: set[Lane] = set()

    def execute(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Run `statement`, which returns no rows."""
        self._cursor.execute(statement, parameters)

    def fetch_all(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that `statement` returns."""
        self._cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows


@contextmanager
def locked_lanes(recipients: Iterable[int], *, using: str) -> Iterator[LockedLanes]:
    """Change lanes of `recipients` (ids) in one transaction, or in the caller's, under their locks.

    At the end each changed lane that has no head gets its oldest message as head, and the relays are woken after the
    commit.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(sql.LOCK_RECIPIENTS, {"recipients": sorted(set(recipients))})
        lanes = LockedLanes(cursor)
        yield lanes
        promote(cursor, lanes.changed)
        notify_after_commit(using)
