"""A shard's database: made, moved to a worker of Citus, and looked at. All of it may be repeated.

Nothing here migrates. Citus wants the tables first, and the schema distributed then (docs/growing.md).
"""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import DatabaseError, connections

from config.migration_state import migration_state

PUBLIC = "public"

# The worker that has the schema's tables: all are together, so any of them will do.
NODE = """
SELECT node.nodename || ':' || node.nodeport
FROM pg_dist_schema distributed
JOIN pg_dist_partition tables ON tables.colocationid = distributed.colocationid
JOIN pg_dist_shard part ON part.logicalrelid = tables.logicalrelid
JOIN pg_dist_placement placed ON placed.shardid = part.shardid
JOIN pg_dist_node node ON node.groupid = placed.groupid
WHERE distributed.schemaid::regnamespace = to_regnamespace(%s)
LIMIT 1
"""
WAITING = "SELECT count(*) FROM notifications_outboxmessage WHERE status IN ('queued', 'pending', 'sending')"
RELAYS = "SELECT count(*) FROM notifications_relay WHERE lease_until > statement_timestamp()"


class Unfit(Exception):
    """The shard's database is not ready for what was asked; the words say what to do first."""


@dataclass(frozen=True, slots=True)
class State:
    """How a shard is. `where`: host, database and schema. `migrations`: "ok", what is wrong with them, or why nobody
    knows.

    `node`: the worker that it is on, with Citus; empty elsewhere. Numbers are None where there are no tables to count.
    """

    name: str
    where: str
    migrations: str
    node: str = ""
    waiting: int | None = None
    relays: int | None = None

    @property
    def is_well(self) -> bool:
        return self.migrations == "ok"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def create(name: str) -> str:
    """Make the shard's schema, if it is missing; what was done. Raises DatabaseError."""
    schema = _schema_meant(name)
    if _fetch(name, "SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]):
        return f"the schema {schema} is there"
    quoted = connections[name].ops.quote_name(schema)
    with connections[name].cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
    return f"made the schema {schema}"


def distribute(name: str) -> str:
    """Move the shard's schema to a worker of Citus, unless it is on one; what was done. Raises Unfit, DatabaseError."""
    schema = _schema_meant(name)
    if not _has_citus(name):
        raise Unfit("its database has no extension citus: it stays on this one server, and nothing needs to be done")
    if schema == PUBLIC:
        raise Unfit("it is in the schema public, which Citus does not move: give it one by search_path")
    if migration_state(connections[name]) != "ok":
        raise Unfit("migrate it first: Citus wants the tables before it moves them")
    if node := _node(name, schema):
        return f"the schema {schema} is on {node}"
    with connections[name].cursor() as cursor:
        # Two tables have a trigger that lets nobody change a row of the record. It touches no other row.
        cursor.execute("SET citus.enable_unsafe_triggers = on")
        cursor.execute("SELECT citus_schema_distribute(%s)", [schema])
    return f"moved the schema {schema} to {_node(name, schema)}"


def state_of(name: str) -> State:
    """How the shard is, also if its database is away."""
    where = _where(name)
    try:
        schema = _schema_meant(name)
        where = f"{where}/{schema}"
        migrations = migration_state(connections[name])
        if migrations != "ok":
            return State(name, where, migrations=migrations)
        ((waiting,),), ((relays,),) = _fetch(name, WAITING), _fetch(name, RELAYS)
        node = _node(name, schema) if _has_citus(name) else ""
        return State(name, where, migrations, node=node, waiting=waiting, relays=relays)
    except DatabaseError as error:
        return State(name, where, migrations=type(error).__name__)  # its words may name users


def _where(name: str) -> str:
    parameters = connections[name].get_connection_params()
    host, port = parameters.get("host") or "", parameters.get("port") or ""
    return f"{host}{':' if port else ''}{port}/{parameters.get('dbname', '')}"


def _schema_meant(name: str) -> str:
    """The first schema of the search path, whether it is there or not."""
    ((path,),) = _fetch(name, "SHOW search_path")
    named = (each.strip().strip('"') for each in path.split(","))
    return next((schema for schema in named if schema and schema != "$user"), PUBLIC)


def _has_citus(name: str) -> bool:
    return bool(_fetch(name, "SELECT 1 FROM pg_extension WHERE extname = 'citus'"))


def _node(name: str, schema: str) -> str:
    rows = _fetch(name, NODE, [schema])
    return str(rows[0][0]) if rows else ""


def _fetch(name: str, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connections[name].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
