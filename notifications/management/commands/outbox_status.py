"""Prints the state of the outbox: for people, for scripts (--json) and for monitors (--fail-if-older-than)."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from django.core.management.base import CommandError
from django.db import ProgrammingError
from django.utils import timezone
from rich.console import Console
from rich.live import Live

from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.management import older_history
from notifications.management.arguments import number_of
from notifications.management.databases import ALL, DatabaseCommand
from notifications.management.status_table import shown
from notifications.selectors.overview import Overview, overview
from notifications.selectors.summed import summed
from notifications.shards import on_database

PLAIN_WIDTH = 100  # columns, where the output is no terminal


class Command(DatabaseCommand):
    help = "Show what waits in the outbox, since when, and which relays are running."
    takes_several = True
    unnamed = (ALL,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        seconds = number_of(float, least=0)
        parser.add_argument("--json", action="store_true", help="One JSON object instead of tables.")
        parser.add_argument(
            "--watch",
            nargs="?",
            type=number_of(float, least=0.1),
            const=2.0,
            metavar="SECONDS",
            help="Show again every so often, until Ctrl-C. Default: 2.",
        )
        parser.add_argument(
            "--fail-if-older-than",
            type=seconds,
            metavar="SECONDS",
            help="Exit 1 if a due message has waited longer than this.",
        )
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        self.work_on_each([options["database"]], **options)

    def work_on_each(self, databases: Sequence[str], **options: Any) -> None:
        """Several are shown as one, with a table of each."""
        try:
            if options["watch"] is not None:
                self._watch(databases, options)
            else:
                self._check(self._print(databases, options), options["fail_if_older_than"])
        except KeyboardInterrupt:
            return

    def _watch(self, databases: Sequence[str], options: dict[str, Any]) -> None:
        """In a terminal the tables stay in place and change. Elsewhere each look is printed below the last one."""
        if options["json"] or not self.stdout.isatty():
            while True:
                self._print(databases, options)
                self.stdout.flush()
                time.sleep(options["watch"])
        with Live(console=self._console(), screen=True, auto_refresh=False) as live:
            while True:
                now = _read(databases)
                live.update(shown(now.whole, now.headlines, at=timezone.now(), parts=now.parts), refresh=True)
                time.sleep(options["watch"])

    def _check(self, now: Overview, limit: float | None) -> None:
        waited = now.oldest_due_seconds
        if limit is not None and waited is not None and waited > limit:
            raise CommandError(f"A due message has been waiting for {waited:.0f} s, longer than {limit:g} s.")

    def _print(self, databases: Sequence[str], options: dict[str, Any]) -> Overview:
        now = _read(databases)
        if options["json"]:
            parts = {"databases": {name: asdict(one) for name, one in now.parts.items()}} if now.parts else {}
            told = asdict(now.whole) | {"headlines": now.headlines} | parts
            self.stdout.write(json.dumps(told, default=lambda moment: moment.isoformat()))
        else:
            self._console().print(shown(now.whole, now.headlines, at=timezone.now(), parts=now.parts))
        return now.whole

    def _console(self) -> Console:
        """Colours and the terminal's width in a terminal; plain text of one width elsewhere."""
        if self.stdout.isatty():
            return Console(highlight=False)
        return Console(file=self.stdout, width=PLAIN_WIDTH, highlight=False, color_system=None)  # type: ignore[arg-type]


class _Seen(NamedTuple):
    """`whole` is one database's overview, or the sum of `parts`; `headlines` are what the board says."""

    whole: Overview
    headlines: list[str]
    parts: dict[str, Overview]


def _read(databases: Sequence[str]) -> _Seen:
    """Raises CommandError if one is not migrated."""
    parts, said = {}, []
    for database in databases:
        try:
            with on_database(database):
                parts[database] = overview(database)
                prefix = f"{database}: " if len(databases) > 1 else ""
                said += [f"{prefix}{headline}" for headline in headlines(snapshot(database))]
        except ProgrammingError as error:  # a table or a column is not there
            older_history.refuse(database)
            raise CommandError(older_history.NOT_MIGRATED) from error
    if len(parts) == 1:
        return _Seen(parts[databases[0]], said, {})
    return _Seen(summed(parts), said, parts)
