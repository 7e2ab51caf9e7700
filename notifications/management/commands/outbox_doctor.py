"""Says of everything that the outbox rests on whether it is well, and what to do where it is not."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from notifications.channels.base import State
from notifications.management.databases import ALL, DatabaseCommand
from notifications.management.diagnosis import findings
from notifications.shards import on_database


class Command(DatabaseCommand):
    help = (
        "Go through settings, templates, URLs, the database, the clock, relays and each channel's credentials. "
        "Nothing is sent. Exit 1 if something is wrong."
    )
    takes_several = True
    unnamed = (ALL,)
    requires_system_checks = ()  # what they say is among the lines

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object instead of lines.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        found = self._look_at(options["database"], options)
        if options["json"]:
            self.stdout.write(json.dumps({"is_well": not _wrong(found), "findings": found}))
        _refuse(found)

    def work_on_each(self, databases: Sequence[str], **options: Any) -> None:
        """As JSON, one object with the findings of each."""
        if not options["json"]:
            super().work_on_each(databases, **options)
            return
        found = {}
        for database in databases:
            with on_database(database):
                found[database] = self._look_at(database, options)
        every = [each for one in found.values() for each in one]
        self.stdout.write(json.dumps({"is_well": not _wrong(every), "databases": found}))
        _refuse(every)

    def _look_at(self, database: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for each in findings(database):
            found.append({"subject": each.subject, "state": each.state, "said": each.said})
            if not options["json"]:
                self.stdout.write(f"{each.state:>9}  {each.subject:<16}  {each.said}")
                self.stdout.flush()  # the next line may take seconds
        return found


def _wrong(found: Sequence[dict[str, Any]]) -> int:
    return sum(each["state"] is State.WRONG for each in found)


def _refuse(found: Sequence[dict[str, Any]]) -> None:
    if wrong := _wrong(found):
        raise CommandError(f"{wrong} of {len(found)} {'is' if wrong == 1 else 'are'} wrong.")
