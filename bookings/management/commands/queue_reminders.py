"""Queues the reminders that are due. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from bookings import reminders
from bookings.management.arguments import at_least_one
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Queue the reminders of bookings that start within REMINDER_HOURS. The scheduler does it every minute."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=at_least_one, default=1000, help="At most so many. Default: 1000.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        queued = reminders.queue_due(limit=options["limit"])
        if options["verbosity"] > 0:
            self.stdout.write(f"Queued {queued} reminders.")
