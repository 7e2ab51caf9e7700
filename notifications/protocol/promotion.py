"""Makes the oldest waiting message of a lane its head, after a change to the lane. The statement is
in `sql`; SETTLE promotes by itself."""

from collections.abc import Collection
from typing import Any, Protocol

from notifications.protocol import sql_messages as sql
from notifications.protocol.arrays import numbers, texts

Lane = tuple[int, str]  # a recipient and the lane's name


class Executes(Protocol):
    """A relay's connection or one of Django's cursors."""

    def execute(self, statement: Any, parameters: Any, /) -> Any: ...


def promote(database: Executes, lanes: Collection[Lane]) -> None:
    """Make the oldest queued message of each of `lanes` that has no head its head. Their locks must be held."""
    if lanes:
        recipients, names = zip(*lanes, strict=True)
        database.execute(sql.PROMOTE, {"recipients": numbers(recipients), "lanes": texts(names)})
