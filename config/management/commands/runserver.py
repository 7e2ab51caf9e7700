"""Django's server for development, which first makes sure that the database is of this history."""

from typing import Any

from django.contrib.staticfiles.management.commands import runserver

from notifications.management import older_history


class Command(runserver.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        older_history.refuse()
        super().handle(*args, **options)
