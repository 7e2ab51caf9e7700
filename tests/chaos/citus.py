"""A campaign's database on Citus: a schema of its own, which a worker holds, on the servers that CITUS_URL names.

The servers are not the campaign's. They are not restarted, and their disks not filled. Where another campaign restarts
its database, this one's sessions are all ended, on the coordinator and on the worker. Schema and role have one name,
the role finds the schema by its search path, and several campaigns can go on at once. Roles that are made here must be
let in without a password.
"""

import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.chaos import witness
from tests.chaos.history import Transition
from tests.stage.citus import CITUS_URL

# Citus' own sessions on the worker are of the same role.
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"
# Two tables have a trigger that lets nobody change a row of the record. It touches no other row.
DISTRIBUTE = "SET citus.enable_unsafe_triggers = on; SELECT citus_schema_distribute({name})"
PLACE = """
SELECT nodename, nodeport, shard_name FROM citus_shards
WHERE table_name = 'notifications_outboxmessage'::regclass
"""

# A setting of a session, as other campaigns' processes have, does not reach the worker. But the worker's session bears
# the number of the coordinator's in its name (after ten digits for the node, the process), and each process enters its
# sessions in a table of the coordinator before it uses them (`apps`).
SESSION = "substring(current_setting('application_name') FROM 'gpid=[0-9]*([0-9]{10})')"
MAKE_SESSIONS = """
CREATE TABLE {} (pid bigint NOT NULL, process text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())
"""
ENTER = """
INSERT INTO {} (pid, process) VALUES (pg_backend_pid(), coalesce(current_setting('chaos.process', true), ''))
"""
ENTERED = "SELECT pid, extract(epoch FROM at)::float8, process FROM {} ORDER BY at"


class Citus:
    """Seen by the stage as a `Database` is. `login` is the name of the schema and of the role."""

    is_full = False

    def __init__(self, login: str) -> None:
        """Raises ImproperlyConfigured if CITUS_URL names no database."""
        self._given = _read(os.environ[CITUS_URL])
        self.login, self.name = login, str(self._given["dbname"])
        self.sessions = f"{login}_sessions"
        self._worker: dict[str, Any] = {}

    def start(self) -> None:
        """It runs; psycopg.Error, if not."""
        with self._connect() as connection:
            connection.execute("SELECT citus_version()")

    def create(self) -> None:
        """Make role and schema anew."""
        role, sessions = sql.Identifier(self.login), sql.Identifier("public", self.sessions)
        with self._connect() as connection:
            connection.execute("SET client_min_messages = error")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(role))
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sessions))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
            connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(role))
            connection.execute(sql.SQL("CREATE SCHEMA {0} AUTHORIZATION {0}").format(role))
            connection.execute(sql.SQL("ALTER ROLE {0} SET search_path = {0}").format(role))
            connection.execute(sql.SQL(MAKE_SESSIONS).format(sessions))

    def watch(self) -> None:
        """Move the schema, whose tables are there, to a worker, and have its messages watched there."""
        with self.connect() as connection:
            connection.execute(sql.SQL(DISTRIBUTE).format(name=sql.Literal(self.login)))
            host, port, shard = connection.execute(PLACE).fetchall()[0]
        self._worker = {"host": host, "port": port}
        schema = sql.Identifier(self._witness)
        with self._connect(**self._worker) as connection:
            # What is made here is the worker's own.
            connection.execute("SET citus.enable_ddl_propagation = off; SET citus.enable_manual_changes_to_shards = on")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
            witness.install(connection, schema=self._witness, session=SESSION, messages=shard.split("."))

    def transitions(self) -> list[Transition]:
        """What the witness saw."""
        with self.connect() as connection:
            entered = connection.execute(sql.SQL(ENTERED).format(sql.Identifier("public", self.sessions))).fetchall()
        with self._connect(**self._worker) as connection:
            return named(witness.read(connection, schema=self._witness), entered)

    def restart(self, _: str) -> None:
        """End all sessions: whatever they were doing breaks off."""
        for place in ({}, self._worker):
            with self._connect(**place) as connection:
                connection.execute(END_SESSIONS, [self.login])

    def keep_running(self) -> None:
        """It does."""

    def fill(self) -> bool:
        return False

    def free(self) -> None:
        """Nothing was filled."""

    @property
    def socket(self) -> str:
        """Where the coordinator listens."""
        host, port = str(self._given["host"]), self._given.get("port", 5432)
        return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"

    @property
    def url(self) -> str:
        """Its database, past the network that is disturbed."""
        place = urlsplit(os.environ[CITUS_URL])
        return f"postgresql://{self.login}@{place.netloc.rpartition('@')[2]}/{self.name}?connect_timeout=10"

    def connect(self) -> psycopg.Connection[Any]:
        return self._connect(user=self.login)

    def close(self) -> None:
        """Schema and role stay, for whoever wants to look; the next campaign of this name makes them anew."""

    @property
    def _witness(self) -> str:
        return f"{self.login}_witness"

    def _connect(self, **changes: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(**{**self._given, **changes}, autocommit=True, application_name="chaos")


def _read(url: str) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ImproperlyConfigured("CITUS_URL cannot be read: postgresql://user@host/database.") from error
    for part in ("host", "dbname"):
        if not given.get(part):
            raise ImproperlyConfigured(f"CITUS_URL names no {part}: postgresql://user@host/database.")
    return given


def enter_sessions(table: str) -> None:
    """Have this process enter each of its sessions in `table`, before it uses it."""
    from django.db.backends.postgresql.base import DatabaseWrapper  # noqa: PLC0415  (needs settings)

    connect = DatabaseWrapper.get_new_connection
    enter = sql.SQL(ENTER).format(sql.Identifier("public", table))

    def connect_and_enter(wrapper: DatabaseWrapper, parameters: dict[str, Any]) -> Any:
        connection = connect(wrapper, parameters)
        connection.execute(enter)
        connection.commit()
        return connection

    DatabaseWrapper.get_new_connection = connect_and_enter  # type: ignore[method-assign]


def named(seen: Iterable[Transition], entered: Iterable[tuple[int, float, str]]) -> list[Transition]:
    """`seen`, whose process is the number of a session, with the names of those who had entered it by then."""
    moments: defaultdict[int, list[tuple[float, str]]] = defaultdict(list)
    for pid, at, process in entered:
        moments[pid].append((at, process))

    def name(step: Transition) -> str:
        known = moments[int(step.process or 0)]
        place = bisect_right(known, step.at, key=lambda each: each[0])
        return known[place - 1][1] if place else ""

    return [replace(step, process=name(step)) for step in seen]
