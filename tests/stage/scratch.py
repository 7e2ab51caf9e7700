"""Databases beside the tests' own, for what must not share it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from config.scratch_databases import with_database


def beside(database_url: str, name: str) -> str:
    """The URL of a database that nobody else uses: named after the tests' own, which this process has claimed."""
    return with_database(database_url, f"{database_of(database_url)}_{name}")


@contextmanager
def scratch_database(database_url: str, name: str, *, template: str = "template1") -> Iterator[str]:
    """Make a database of `beside`, a copy of `template`, and drop it at the end; its URL."""
    url = beside(database_url, name)
    names = {"name": sql.Identifier(database_of(url)), "template": sql.Identifier(template)}
    drop = sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names)
    with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as server:
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        try:
            yield url
        finally:
            server.execute(drop)


def database_of(url: str) -> str:
    """The name of the database at `url`."""
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
