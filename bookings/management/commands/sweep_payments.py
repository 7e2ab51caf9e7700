"""Looks for orders that were paid at the gateway and never heard of. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from bookings import reconciliation
from bookings.management.arguments import at_least_one


class Command(BaseCommand):
    help = "Ask the gateway about unpaid orders, and confirm what was paid. The scheduler does it every few minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=at_least_one, default=1000, help="At most so many orders. Default: 1000.")

    def handle(self, *_: Any, **options: Any) -> None:
        swept = reconciliation.run(limit=options["limit"])
        if options["verbosity"] > 0:
            self.stdout.write(f"Looked at {swept}.")
