"""The relay's database connections: plain psycopg, in autocommit, made with the parameters of a Django database."""

from collections.abc import Mapping
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
        # A generic plan knows nothing of a batch's size and joins 500 outcomes with 500 rows in 250,000 steps.
        connection.execute("SET plan_cache_mode = force_custom_plan")
        _limit_transactions(connection)
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


def _limit_transactions(connection: Connection) -> None:
    limits = {"idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_SECONDS}
    if connection.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
        limits["transaction_timeout"] = TRANSACTION_SECONDS
    for name, seconds in limits.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, f"{seconds:g}s"])


def fetch_row(connection: Connection, statement: LiteralString, parameters: Mapping[str, object]) -> tuple[Any, ...]:
    """The one row of a statement that always has one."""
    row = connection.execute(statement, parameters).fetchone()
    if row is None:
        raise LookupError(f"no row from: {statement}")
    return row
