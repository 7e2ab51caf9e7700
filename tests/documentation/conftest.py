"""An empty database for a project of the documentation's."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from config.scratch_databases import with_database


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    """The URL of an empty database, beside the tests' own."""
    name = f"documented_project_{os.getpid()}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield with_database(database_url, name)
        connection.execute(drop)
