"""A database of each release is migrated to today's tables with all its rows; one from before the first is refused."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from notifications.management import older_history
from tests.stage.scratch import scratch_database

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db(transaction=True)  # the test database is made, for its tables
FROZEN = sorted((Path(__file__).parent / "frozen").glob("*.sql"))

# Every column, index and constraint of ours, whatever the order in which migrations made them.
SCHEMA = """
SELECT 'column', table_name, column_name,
    concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name ~ '^(notifications|bookings)_'
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename ~ '^(notifications|bookings)_'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid::regclass::text ~ '^(notifications|bookings)_' AND contype <> 'n'
UNION ALL
SELECT 'options', relname, '', array_to_string(reloptions, ',') FROM pg_class
WHERE relkind = 'r' AND relname ~ '^(notifications|bookings)_'
ORDER BY 1, 2, 3
"""
TABLES = r"SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(notifications|bookings)_' ORDER BY 1"


@pytest.fixture
def old_url(database_url: str) -> Iterator[str]:
    """An empty database on the tests' server."""
    with scratch_database(database_url, "upgrade") as url:
        yield url


def run(*command: str, url: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_DEBUG": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def schema(url: str) -> list[tuple[str, ...]]:
    """Casts and brackets aside, of which PostgreSQL writes others once a condition has gone through a dump."""
    with psycopg.connect(url) as connection:
        described = connection.execute(SCHEMA).fetchall()
    return [(*named, re.sub(r"::character varying|::text|[()\[\]]", "", text or "")) for *named, text in described]


def counts(url: str) -> dict[object, int]:
    with psycopg.connect(url) as connection:
        found = {}
        for (table,) in connection.execute(TABLES).fetchall():
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            found[table] = connection.execute(query).fetchone()[0]
        return found


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda file: file.stem)
def test_a_database_of_a_release_is_migrated_with_all_its_rows(frozen: Path, old_url: str, database_url: str) -> None:
    with psycopg.connect(old_url) as connection:
        connection.execute(frozen.read_text())
    before = counts(old_url)
    assert all(before.values()), "each table was frozen with a row"

    done = run("manage.py", "migrate", url=old_url)

    assert done.returncode == 0, done.stderr
    assert schema(old_url) == schema(database_url)
    after = counts(old_url)
    assert {table: after[table] for table in before if table in after} == before


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "migrate"),
        ("manage.py", "runserver", "--noreload", "127.0.0.1:0"),
        ("manage.py", "run_outbox_relay", "--drain"),
        ("-m", "config.demo", "--customers", "1", "--bookings", "1"),
    ],
    ids=lambda command: command[1],
)
def test_a_database_from_before_the_first_release_is_refused_in_one_line(
    command: tuple[str, ...], old_url: str
) -> None:
    with psycopg.connect(old_url) as connection:
        connection.execute(FROZEN[0].read_text())
        connection.execute(
            "INSERT INTO public.django_migrations (app, name, applied) VALUES (%s, %s, now())", older_history.GONE
        )
        connection.execute("ALTER TABLE public.notifications_channelstate RENAME TO notifications_channel")

    done = run(*command, url=old_url)

    said = done.stderr.strip().splitlines()
    assert done.returncode == 1
    assert [line for line in said if older_history.ADVICE in line] == said[-1:]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run_outbox_relay", "outbox_status"])
def test_a_database_that_was_never_migrated_is_named_in_one_line(command: str, old_url: str) -> None:
    done = run("manage.py", command, url=old_url)

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == f"CommandError: {older_history.NOT_MIGRATED}"
    assert "Traceback" not in done.stderr
