"""The option --database of the outbox's commands: which database or shard they work on, or which ones in turn."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, router

from notifications.models import OutboxMessage
from notifications.shards import on_database, shards

ALL = "all"


class DatabaseCommand(BaseCommand):
    """A command whose `work` is done on the database `options["database"]`, and named `add_database` among its
    arguments. With `takes_several`, it is done on each that was named in turn.
    """

    takes_several = False
    unnamed: tuple[str, ...] = ()  # what is meant without the option where there are shards; none: it must be given

    def add_database(self, parser: ArgumentParser) -> None:
        """Add the option; the last of a command's own."""
        add_database(parser, several=self.takes_several, unnamed=self.unnamed)

    def handle(self, *_: Any, **options: Any) -> None:
        databases = chosen(options.pop("database", None), unnamed=self.unnamed)
        if len(databases) > 1:
            self.work_on_each(databases, **options)
            return
        with on_database(databases[0]):
            self.work(**options, database=databases[0])

    def work(self, **options: Any) -> None:
        """What the command does on `options["database"]`."""
        raise NotImplementedError

    def work_on_each(self, databases: Sequence[str], **options: Any) -> None:
        """One that fails keeps the others from nothing. Raises CommandError at the end."""
        failures = []
        for database in databases:
            if options["verbosity"] > 0:
                self.stdout.write(self.style.MIGRATE_HEADING(f"── {database} ".ljust(80, "─")))
            try:
                with on_database(database):
                    self.work(**options, database=database)
            except CommandError as error:
                failures.append(f"{database}: {error}")
            except DatabaseError as error:  # whose words may name hosts, and values of rows
                failures.append(f"{database}: its database answered with {type(error).__name__}")
        if failures:
            raise CommandError("\n".join(failures))


def add_database(parser: ArgumentParser, *, several: bool, unnamed: Sequence[str] = ()) -> None:
    """The option --database: one, or with `several` any number of them."""
    default = DEFAULT_DB_ALIAS if not shards() else ", ".join(unnamed)
    said = f"Default: {default}." if default else f"One of the shards: {', '.join(shards())}."
    if several:
        said = f"Repeat it for several; `{ALL}` is every database with an outbox. {said}"
        parser.add_argument("--database", action="append", type=existing_database_or_all, metavar="ALIAS", help=said)
    else:
        parser.add_argument("--database", type=existing_database, metavar="ALIAS", help=said)


def chosen(given: str | Sequence[str] | None, *, unnamed: Sequence[str] = ()) -> list[str]:
    """The databases that were `given` to the option, each once, in their order. Raises CommandError where one must be.

    Without shards it is the default database. With shards it is `unnamed`, or the one that is at work already.
    """
    names = [given] if isinstance(given, str) else list(given or ())
    if not names:
        names = [DEFAULT_DB_ALIAS] if not shards() else list(unnamed)
    if not names:
        raise CommandError(f"Name the shard with --database: {', '.join(shards())}.")
    every = [one for name in names for one in (with_an_outbox() if name == ALL else [name])]
    return list(dict.fromkeys(every))


def with_an_outbox() -> list[str]:
    """Every database that has an outbox: the shards or, without any, those where the routers let its tables be."""
    if shards():
        return list(shards())
    primaries = [name for name in connections if not connections[name].settings_dict["TEST"].get("MIRROR")]
    return [name for name in primaries if router.allow_migrate_model(name, OutboxMessage)]


def existing_database(text: str) -> str:
    """An alias of settings.DATABASES."""
    if text not in settings.DATABASES:
        raise ArgumentTypeError(f"must be one of {', '.join(settings.DATABASES)}, not {text!r}")
    return text


def existing_database_or_all(text: str) -> str:
    """As `existing_database`, or `all`."""
    if text != ALL and text not in settings.DATABASES:
        raise ArgumentTypeError(f"must be {ALL}, or one of {', '.join(settings.DATABASES)}, not {text!r}")
    return text
