"""The benchmark's database: made anew for each run, on the embedded server or beside the one of DATABASE_URL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
import psycopg
from django.core.management import call_command
from psycopg import sql

from config.embedded import server
from config.embedded.slots import claim_slot
from config.environment import env
from config.scratch_databases import with_database
from tests.benchmarks.seeding import Connection

PREFIX = "bench"


@contextmanager
def claimed() -> Iterator[str]:
    """The URL of an empty database that is this run's alone."""
    given = env.str("DATABASE_URL", default="")
    if given:
        with psycopg.connect(with_database(given, "postgres"), autocommit=True) as connection:
            name = claim_slot(connection, PREFIX)
            _make_anew(connection, name)
            yield with_database(given, name)
    else:
        with server.claim_database(PREFIX) as name:
            with psycopg.connect(**server.ensure_running(), dbname="postgres", autocommit=True) as connection:
                _make_anew(connection, name)
            yield server.database_url(name)


@contextmanager
def migrated(url: str) -> Iterator[Connection]:
    """Django on the database at `url`, and a connection for seeding and counting."""
    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings", "DJANGO_DEBUG": "1"}
    django.setup()
    call_command("migrate", verbosity=0)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _make_anew(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
