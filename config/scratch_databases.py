"""Databases beside the one that a DATABASE_URL names: for demos, tests and benchmarks that want one to themselves."""

from typing import Any
from urllib.parse import quote

from psycopg import Connection, sql


def with_database(url: str, name: str) -> str:
    """`url` with the database `name` in place of its own."""
    address, question_mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{quote(name, safe='')}{question_mark}{options}"


def ensure_database(connection: Connection[Any], name: str) -> None:
    """Make the database `name` unless it is there; two at once make it once. `connection` must be in autocommit."""
    connection.execute("SELECT pg_advisory_lock(hashtextextended('create database', 0))")
    try:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    finally:
        connection.execute("SELECT pg_advisory_unlock(hashtextextended('create database', 0))")
