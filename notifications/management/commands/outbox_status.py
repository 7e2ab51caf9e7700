"""Prints the state of the outbox: for people, for scripts (--json) and for monitors (--fail-if-older-than)."""

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from django.utils import timezone
from rich.console import Console
from rich.live import Live

from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.management import older_history
from notifications.management.arguments import add_database, number_of
from notifications.management.status_table import shown
from notifications.selectors.overview import Overview, overview

PLAIN_WIDTH = 100  # columns, where the output is no terminal


class Command(BaseCommand):
    help = "Show what waits in the outbox, since when, and which relays are running."

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
        add_database(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self._watch(options) if options["watch"] is not None else self._show_once(options)
        except KeyboardInterrupt:
            return
        except ProgrammingError as error:  # a table or a column is not there
            older_history.refuse(options["database"])
            raise CommandError(older_history.NOT_MIGRATED) from error

    def _show_once(self, options: dict[str, Any]) -> None:
        now = overview(options["database"])
        self._print(now, options)
        self._check(now, options["fail_if_older_than"])

    def _watch(self, options: dict[str, Any]) -> None:
        """In a terminal the tables stay in place and change. Elsewhere each look is printed below the last one."""
        if options["json"] or not self.stdout.isatty():
            while True:
                self._print(overview(options["database"]), options)
                self.stdout.flush()
                time.sleep(options["watch"])
        with Live(console=self._console(), screen=True, auto_refresh=False) as live:
            while True:
                now = overview(options["database"])
                live.update(shown(now, _headlines(options), at=timezone.now()), refresh=True)
                time.sleep(options["watch"])

    def _check(self, now: Overview, limit: float | None) -> None:
        waited = now.oldest_due_seconds
        if limit is not None and waited is not None and waited > limit:
            raise CommandError(f"A due message has been waiting for {waited:.0f} s, longer than {limit:g} s.")

    def _print(self, now: Overview, options: dict[str, Any]) -> None:
        said = _headlines(options)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(now) | {"headlines": said}, default=lambda moment: moment.isoformat()))
        else:
            self._console().print(shown(now, said, at=timezone.now()))

    def _console(self) -> Console:
        """Colours and the terminal's width in a terminal; plain text of one width elsewhere."""
        if self.stdout.isatty():
            return Console(highlight=False)
        return Console(file=self.stdout, width=PLAIN_WIDTH, highlight=False, color_system=None)  # type: ignore[arg-type]


def _headlines(options: dict[str, Any]) -> list[str]:
    """What the board says."""
    return [str(headline) for headline in headlines(snapshot(options["database"]))]
