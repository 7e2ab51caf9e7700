"""The relay's database connections: plain psycopg, in autocommit, made with the parameters of a Django database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from notifications import conf
from notifications.protocol.silence import LIMITS, watch

# The server ends the transaction of a relay that is frozen, or whose host is lost, after these times: the transaction
# holds lanes' locks, and customers' payments may wait for them. A session in a pipeline does not count as idle; there,
# only PostgreSQL 17 and later ends the transaction.
IDLE_IN_TRANSACTION_SECONDS, TRANSACTION_SECONDS = 5.0, 20.0
FIRST_WITH_TRANSACTION_TIMEOUT = 170_000

# Planning took longer than the work: 1.2 ms for a settle of one message. So a plan serves all batches until the next
# `plan_anew`. All statements find their rows one by one, by an index; reading a whole table would only look cheaper.
PLAN_FOR_ALL = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",  # before PostgreSQL 18 what is off counts as dear, and dear plans are compiled
}

Connection = psycopg.Connection[tuple[Any, ...]]


def open_connection(alias: str, *, name: str) -> Connection:
    """Connect to the Django database `alias`; `name` shows in pg_stat_activity. Raises OperationalError.

    Unlike Django's own connections it uses server-side parameters and prepared statements, which make the relay's few
    statements cheap, and psycopg's own adapters, so that JSON arrives decoded. Where OUTBOX_RESCUE is `lease` there may
    be a proxy in between that pools transactions, so nothing is set in the session.
    """
    owns_session = conf.rescue() == "prompt"
    wrapper, role = _without_djangos_own(connections.create_connection(alias))
    parameters = wrapper.get_connection_params()
    parameters = LIMITS | parameters | {"application_name": name, "autocommit": True}
    parameters |= {"context": None, "cursor_factory": psycopg.Cursor, "prepare_threshold": 3 if owns_session else None}
    connection: Connection = wrapper.get_new_connection(parameters)
    watch(connection)
    if role:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    if owns_session:
        _set(connection, _plans(connection) | _limits(connection))
    return connection


def _without_djangos_own(wrapper: BaseDatabaseWrapper) -> tuple[BaseDatabaseWrapper, str]:
    """`wrapper` without the OPTIONS that would change what it connects to, and the role to take on.

    A relay keeps its few connections for as long as it lives. It takes none from Django's pool, because those lack the
    parameters above. It works at READ COMMITTED, whatever Django's own connections use.
    """
    options = wrapper.settings_dict["OPTIONS"]
    kept = {name: value for name, value in options.items() if name not in ("pool", "isolation_level")}
    wrapper.settings_dict = wrapper.settings_dict | {"OPTIONS": kept}
    return wrapper, options.get("assume_role", "")


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """A transaction without waits of its own: BEGIN goes with the first statement in it, and COMMIT with the last.

    What was not fetched within the block can be fetched after it. psycopg's own waits for BEGIN and for COMMIT, in a
    pipeline twice. A test's connection has no pipeline, and its transaction is not ours to end.
    """
    try:
        with connection.pipeline() as pipeline:
            if pipeline is None:
                with connection.transaction():
                    yield
            else:
                connection.execute("BEGIN", prepare=False)
                yield
                connection.execute("COMMIT", prepare=False)
    except BaseException:
        with suppress(psycopg.Error):  # of a connection that is gone, whose transaction is too
            connection.rollback()
        raise


def plan_anew(connection: Connection) -> None:
    """Forget the plans: since they were made, tables may have grown."""
    if conf.rescue() == "prompt":
        connection.execute("DISCARD PLANS")


def _plans(connection: Connection) -> dict[str, str]:
    """Citus refuses a statement of ours whose parameters it does not know: there each is planned by itself."""
    (is_on_citus,) = fetch_row(connection, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", {})
    return {"plan_cache_mode": "force_custom_plan"} if is_on_citus else PLAN_FOR_ALL


def _limits(connection: Connection) -> dict[str, str]:
    limits = {"idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS:g}s"}
    if connection.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
        limits["transaction_timeout"] = f"{TRANSACTION_SECONDS:g}s"
    return limits


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    connection.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)",
        [list(settings), list(settings.values())],
    )


def fetch_row(connection: Connection, statement: LiteralString, parameters: Mapping[str, object]) -> tuple[Any, ...]:
    """The one row of a statement that always has one."""
    row = connection.execute(statement, parameters).fetchone()
    if row is None:
        raise LookupError(f"no row from: {statement}")
    return row
