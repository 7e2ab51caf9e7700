"""The test's own connection, as the relay's statements use one."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import psycopg
from django.db import connections

from notifications.relay.connection import Connection


class _OfTheTest:
    """What the relay asks of a connection, on Django's: all of it happens within the test's transaction."""

    def __init__(self, using: str) -> None:
        connections[using].ensure_connection()
        self._connection = cast(Connection, connections[using].connection)

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return self.cursor().execute(statement, parameters)

    def cursor(self, **options: Any) -> "_Cursor":
        return _Cursor(self._connection, **options)

    def transaction(self) -> AbstractContextManager[object]:
        return self._connection.transaction()

    def pipeline(self) -> AbstractContextManager[None]:
        return nullcontext()

    def rollback(self) -> None:
        """Its savepoint is rolled back already."""


class _Cursor(psycopg.Cursor[Any]):
    """A test's transaction began before whatever it has published. So `now()`, its beginning, is the present here."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query.replace(" now()", " clock_timestamp()"), params, **options)


def own_connection(using: str) -> Connection:
    """The test's connection to the database `using`, for the relay's steps."""
    return cast(Connection, _OfTheTest(using))
