"""Whether a database is migrated, by this process's code."""

from functools import cache

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from notifications.management.older_history import GONE


def migration_state(connection: BaseDatabaseWrapper) -> str:
    """ "ok", or what is wrong: so many pending, or a database whose tables no migration of this code has made.

    Raises DatabaseError.
    """
    loader = _migrations_of_this_code()
    applied = MigrationRecorder(connection).applied_migrations().keys()
    if GONE in applied:
        return "from before the first release"
    pending = sum(
        key not in applied and not (key in loader.replacements and applied >= set(loader.replacements[key].replaces))
        for key in loader.graph.nodes
    )
    return f"{pending} pending" if pending else "ok"


@cache
def _migrations_of_this_code() -> MigrationLoader:
    """Read from the disk once: the code of a process does not change."""
    return MigrationLoader(None)
