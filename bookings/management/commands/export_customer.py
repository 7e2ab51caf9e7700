"""Writes down everything that we have of a customer, as JSON."""

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from bookings.erasure import export_customer
from bookings.management.arguments import customer_called
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Export everything that we have of a customer, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="The customer's name, or the ID of their account.")
        parser.add_argument("--output", help="A file to write, which must not exist; only you can read it.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be exported, and write nothing.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        known = export_customer(customer_called(options["user"]))
        if options["dry_run"]:
            parts = {**known, **known["notifications"]}
            for name, rows in parts.items():
                if isinstance(rows, list):
                    self.stdout.write(f"{name}: {len(rows)}")
            return
        text = json.dumps(known, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        if options["output"] is None:
            self.stdout.write(text)
            return
        try:
            file = os.open(options["output"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error
        with os.fdopen(file, "w", encoding="utf-8") as output:
            output.write(text + "\n")
        if options["verbosity"] > 0:
            sys.stderr.write(f"Written to {options['output']}.\n")
