"""Several databases that each hold a whole outbox, with the accounts and orders it is about: shards.

OUTBOX_SHARDS names them among DATABASES. Within `on_database` of a shard, the default database of this thread is that
shard. So code that names no database, as most code does not, reads and writes there, in its transactions. Elsewhere
`default` is what DATABASES says, and nothing is different where there are no shards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

_current: ContextVar[str] = ContextVar("shard", default="")


def shards() -> tuple[str, ...]:
    """The aliases of all shards, in the order of OUTBOX_SHARDS; none: there is one database, or several unlike ones."""
    return tuple(getattr(settings, "OUTBOX_SHARDS", ()))


def current() -> str:
    """The shard that this thread works on; empty outside."""
    return _current.get()


def operators_shard() -> str:
    """The shard whose staff see how all shards are (OUTBOX_OPERATORS_SHARD); empty: nobody does."""
    return str(getattr(settings, "OUTBOX_OPERATORS_SHARD", ""))


def within_shard(name: str) -> str:
    """`name`, and within a shard the shard's name as well: for salts of what is signed, and keys of what is remembered.

    So a link that one shard signed is refused in another, and nobody is taken for who has the same ID there.
    """
    shard = _current.get()
    return f"{name}@{shard}" if shard else name


@contextmanager
def on_database(alias: str) -> Iterator[None]:
    """Within this block, this thread works on `alias`. If that is no shard, nothing changes. Blocks may be nested."""
    if alias not in shards():
        yield
        return
    before, shard = connections[DEFAULT_DB_ALIAS], connections[alias]
    token = _current.set(alias)
    connections[DEFAULT_DB_ALIAS] = shard
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before
        _current.reset(token)


class ShardRouter:
    """Knows that within a shard `default` is that shard, and that nothing of one shard is related to another's."""

    def db_for_read(self, model: type[Model], **_: Any) -> str | None:
        """By its own name: what Django remembers by a database's name, as content types, is one shard's."""
        return current() or None

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **_: Any) -> bool | None:
        if not current():
            return None
        names = {current() if alias == DEFAULT_DB_ALIAS else alias for alias in (one._state.db, other._state.db)}
        return len(names) == 1
