"""Executes the refunds that are due, at the payment gateway. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from bookings import refunds
from bookings.management.arguments import at_least_one


class Command(BaseCommand):
    help = "Execute the refunds that are due. Those that the gateway cannot take now are tried again later."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=at_least_one, default=1000, help="At most so many. Default: 1000.")

    def handle(self, *_: Any, **options: Any) -> None:
        succeeded, failed = refunds.execute_due(limit=options["limit"])
        if options["verbosity"] > 0:
            self.stdout.write(f"Refunded {succeeded}; {failed} not.")
