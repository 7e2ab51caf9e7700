"""The demo's database: the project's own, or another one if another demo uses that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from config.embedded import server
from config.embedded.slots import claim_slot
from config.environment import database, env
from config.scratch_databases import ensure_database, with_database

NAME = "bookings"


@contextmanager
def claimed() -> Iterator[tuple[str, str]]:
    """The name and the DATABASE_URL of a database that no other demo uses until the block ends."""
    if os.environ.get("DATABASE_URL"):
        with _on_given_server() as named:
            yield named
    else:
        with server.claim_database(NAME) as name:
            yield name, server.database_url(name)


@contextmanager
def _on_given_server() -> Iterator[tuple[str, str]]:
    given = database("DATABASE_URL")
    with _connect(given) as connection:
        name = claim_slot(connection, given["NAME"])
        ensure_database(connection, name)
        yield name, with_database(env.str("DATABASE_URL"), name)


def _connect(given: dict[str, Any]) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the maintenance database: the claimed one may not exist yet, and settings must not be read before."""
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    address = {name: given.get(key) or None for name, key in names.items()} | given.get("OPTIONS", {})
    return psycopg.connect(**address | {"dbname": "postgres"}, autocommit=True)
