"""Looks for orders that were paid at the gateway and never heard of. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from bookings import reconciliation
from bookings.management.arguments import at_least_one
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Ask the gateway about unpaid orders, and confirm what was paid. The scheduler does it every few minutes."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=at_least_one, default=1000, help="At most so many orders. Default: 1000.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        swept = reconciliation.run(limit=options["limit"])
        if options["verbosity"] > 0:
            self.stdout.write(f"Looked at {swept}.")
