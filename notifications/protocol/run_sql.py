"""Runs a statement on one of Django's connections."""

from collections.abc import Mapping
from typing import Any

from django.db import connections


def fetch_all(statement: str, parameters: Mapping[str, Any] | None = None, *, using: str) -> list[tuple[Any, ...]]:
    """The rows that `statement` returns on the database `using`."""
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def execute(statement: str, parameters: Mapping[str, Any] | None = None, *, using: str) -> None:
    """Run `statement`, which returns no rows, on the database `using`."""
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
