"""Says of everything that the outbox rests on whether it is well, and what to do where it is not."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications.channels.base import State
from notifications.management.arguments import add_database
from notifications.management.diagnosis import findings


class Command(BaseCommand):
    help = (
        "Go through settings, templates, URLs, the database, the clock, relays and each channel's credentials. "
        "Nothing is sent. Exit 1 if something is wrong."
    )
    requires_system_checks = ()  # what they say is among the lines

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object instead of lines.")
        add_database(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        found = []
        for each in findings(options["database"]):
            found.append({"subject": each.subject, "state": each.state, "said": each.said})
            if not options["json"]:
                self.stdout.write(f"{each.state:>9}  {each.subject:<16}  {each.said}")
                self.stdout.flush()  # the next line may take seconds
        wrong = sum(each["state"] is State.WRONG for each in found)
        if options["json"]:
            self.stdout.write(json.dumps({"is_well": not wrong, "findings": found}))
        if wrong:
            raise CommandError(f"{wrong} of {len(found)} {'is' if wrong == 1 else 'are'} wrong.")
