"""A database backend without a database, for `default` where SHARDS is set and no shard is at work."""

from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base


class NoShard(ImproperlyConfigured):
    """Something would be read or written, and nobody said in which shard."""

    def __init__(self) -> None:
        super().__init__(
            "No shard is at work here. Commands take --database NAME, and manage.py shards lists the names; manage.py "
            "shards run COMMAND runs one that takes none. Code works within notifications.shards.on_database(name)."
        )


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL in all that needs no connection."""

    def connect(self) -> NoReturn:
        raise NoShard
