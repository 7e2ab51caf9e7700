"""Executes the refunds that are due, at the payment gateway. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from bookings import refunds
from bookings.management.arguments import at_least_one
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Execute the refunds that are due. Those that the gateway cannot take now are tried again later."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=at_least_one, default=1000, help="At most so many. Default: 1000.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        succeeded, failed = refunds.execute_due(limit=options["limit"])
        if options["verbosity"] > 0:
            self.stdout.write(f"Refunded {succeeded}; {failed} not.")
