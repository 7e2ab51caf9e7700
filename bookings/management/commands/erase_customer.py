"""Forgets a customer. docs/operations.md says what stays."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from bookings.erasure import erase_customer
from bookings.errors import StaffAreNotErased
from bookings.management.arguments import customer_called
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Forget a customer: erase what we have of them, but for what the law wants kept. Safe to run twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="The customer's name, or the ID of their account.")
        parser.add_argument("--reason", default="", help="Why, for the record.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, and change nothing.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        user = customer_called(options["user"])
        try:
            forgotten = erase_customer(
                user, actor="erase_customer", reason=options["reason"], dry_run=options["dry_run"]
            )
        except StaffAreNotErased as error:
            raise CommandError(error.message) from error
        if options["verbosity"] == 0:
            return
        would = "would be " if options["dry_run"] else ""
        for what, number in sorted(forgotten.rows.items()):
            self.stdout.write(f"{what}: {number} {would}changed or deleted")
        if not forgotten.rows:
            self.stdout.write(f"There is nothing left to erase of account {user.pk}.")
        if forgotten.upcoming:
            self.stdout.write(f"{forgotten.upcoming} paid bookings of slots to come stay as they are.")
        if forgotten.in_flight:
            self.stdout.write(f"{forgotten.in_flight} messages are being sent just now: run this again in a minute.")
