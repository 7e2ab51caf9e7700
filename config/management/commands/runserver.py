"""Django's server for development, which first makes sure that the database is of this history."""

from typing import Any

from django.contrib.staticfiles.management.commands import runserver
from django.db import DEFAULT_DB_ALIAS

from notifications.management import older_history
from notifications.shards import on_database, shards


class Command(runserver.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        for name in _databases():
            older_history.refuse(name)
        super().handle(*args, **options)

    def check_migrations(self) -> None:
        """Say which migrations are missing, of each shard where there are shards."""
        for name in _databases():
            with on_database(name):
                super().check_migrations()


def _databases() -> tuple[str, ...]:
    return shards() or (DEFAULT_DB_ALIAS,)
