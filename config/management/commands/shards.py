"""Lists, makes, migrates and distributes shards, and runs other commands in them: in all that SHARDS names, or in those
that are named.

One that fails keeps no other from its turn; the exit code is 1 then.
"""

import json
from argparse import REMAINDER, ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from config import shard_databases
from config.process import refuse_command
from config.shard_databases import State, Unfit
from notifications.shards import on_database, shards

Work = Callable[[str], str]  # in the shard of this name, which is at work; says what was done
HEADER = ("shard", "where", "migrations", "node", "waiting", "relays")


class Command(BaseCommand):
    help = (
        "List the shards that SHARDS names, make their schemas, migrate them, move them to a worker of Citus, or run a "
        "command in each that takes no --database."
    )
    requires_system_checks = ()  # a shard that is not migrated yet must not keep itself from being migrated

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", metavar="WHAT")
        listing = what.add_parser("list", help="How each is: migrated, on which node, waiting messages, living relays.")
        listing.add_argument("--json", action="store_true", help="As JSON.")
        for name, said in (
            ("create", "Make the schema, if it is missing."),
            ("migrate", "Make the schema, and bring its tables up to date. Without SHARDS: of the one database."),
            ("distribute", "Move the schema to a worker of Citus. Migrate it first."),
        ):
            what.add_parser(name, help=said).add_argument("shards", nargs="*", metavar="SHARD", help="Default: all.")
        running = what.add_parser(
            "run", help="Run a command of Django's or yours: shards run --shard north clearsessions"
        )
        running.add_argument(
            "--shard", action="append", default=[], dest="shards", metavar="SHARD", help="Default: all."
        )
        running.add_argument("command", nargs=REMAINDER, metavar="COMMAND ...", help="And its arguments.")

    def handle(self, *_: Any, **options: Any) -> None:
        if not shards() and options["what"] == "migrate" and not options["shards"]:
            call_command("migrate", interactive=False, verbosity=options["verbosity"])
            return
        if not shards():
            raise CommandError("SHARDS names no shards: there is one database.")
        work: dict[str, Work] = {
            "create": shard_databases.create,
            "migrate": _migrate,
            "distribute": shard_databases.distribute,
        }
        if options["what"] == "run":
            work["run"] = _runner(options["command"])
        if options["what"] in work:
            self._each(work[options["what"]], _named(options["shards"]), **options)
        else:
            self._list(as_json=options.get("json", False))

    def _each(self, work: Work, names: list[str], **options: Any) -> None:
        failures = []
        for name in names:
            try:
                with on_database(name):
                    done = work(name)
            except (Unfit, CommandError) as error:
                failures.append(f"{name}: {str(error).rstrip('.')}.")
            except DatabaseError as error:  # whose words may name hosts and users
                failures.append(f"{name}: its database answered with {type(error).__name__}.")
            else:
                if options["verbosity"] > 0:
                    self.stdout.write(f"{name}: {done}.")
            finally:
                connections[name].close()
        if failures:
            raise CommandError("\n".join(failures))

    def _list(self, *, as_json: bool) -> None:
        states = []
        for name in shards():
            states.append(shard_databases.state_of(name))
            connections[name].close()
        if as_json:
            self.stdout.write(json.dumps([state.as_dict() for state in states], indent=2))
        else:
            for row in _table(states):
                self.stdout.write(row)
        if bad := [state.name for state in states if not state.is_well]:
            raise CommandError(f"Not ready: {', '.join(bad)}.")


def _named(names: list[str]) -> list[str]:
    for name in names:
        if name not in shards():
            raise CommandError(f"{name} is no shard; SHARDS has {', '.join(shards())}.")
    return list(dict.fromkeys(names)) or list(shards())


def _migrate(name: str) -> str:
    made = shard_databases.create(name)
    call_command("migrate", database=name, interactive=False, verbosity=0, skip_checks=True)
    return f"{made}, and it is migrated"


def _runner(command: list[str]) -> Work:
    """Runs `command`, a name and its arguments, in the shard that is at work."""
    if not command:
        raise CommandError("Name the command to run: shards run clearsessions.")
    refuse_command(["manage.py", *command])

    def run(_: str) -> str:
        call_command(*command)
        return f"{command[0]} is done"

    return run


def _table(states: list[State]) -> list[str]:
    rows = [HEADER, *(tuple(_cell(value) for value in state.as_dict().values()) for state in states)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADER))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell(value: Any) -> str:
    return "-" if value in (None, "") else str(value)
