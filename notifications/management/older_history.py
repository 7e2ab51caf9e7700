"""Recognises a database whose tables come from migrations that no longer exist.

Before the first release the history of the tables began anew, with one first migration. A development database from
before has that migration's name on record and other tables: `migrate` would find nothing to do.
"""

from typing import Any

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.recorder import MigrationRecorder

GONE = ("notifications", "0002_lighter_settling")  # every database from before has it on record
ADVICE = (
    "This database is from before the first release, and cannot be migrated. Drop it (`make clean` drops the embedded "
    "one), then run `manage.py migrate`."
)
NOT_MIGRATED = "The outbox's tables are missing, or older than this code; run `manage.py migrate` first."


def is_from_before(using: str = DEFAULT_DB_ALIAS) -> bool:
    return GONE in MigrationRecorder(connections[using]).applied_migrations()


def refuse(using: str = DEFAULT_DB_ALIAS) -> None:
    """Raise CommandError, in one line that says what to do, if the database is from before."""
    if is_from_before(using):
        raise CommandError(ADVICE)


def refuse_to_migrate(using: str, **_: Any) -> None:
    """Receives `pre_migrate`."""
    refuse(using)
