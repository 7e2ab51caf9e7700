"""Compares the seats that slots count as taken with those that orders hold. Safe beside everything else."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from bookings import seats
from bookings.seats import Mismatch
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Check that each slot's seats taken are those that its orders hold. Exit 1 where they are not."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Write what the orders hold, slot by slot.")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        wrong = seats.mismatches()
        for each in wrong:
            self._say(_described(each), **options)
        left = [each for each in wrong if not (options["repair"] and self._repair(each, **options))]
        if left:
            raise CommandError(f"{len(left)} slots count other seats than their orders hold.", returncode=1)
        if not wrong:
            self._say("Every slot counts the seats that its orders hold.", **options)

    def _repair(self, mismatch: Mismatch, **options: Any) -> bool:
        """Whether the slot is right now."""
        found = seats.repair(mismatch.slot_id)
        if found is None:
            self._say(f"Slot {mismatch.slot_id} is right by now.", **options)
        elif found.is_oversold:
            over = found.held - found.capacity
            self._say(
                f"Slot {found.slot_id} is oversold by {over}: left alone. Cancel bookings, or raise its capacity.",
                **options,
            )
            return False
        else:
            said = f"Repaired slot {found.slot_id}: {found.taken} seats taken before, {found.held} now."
            self._say(said, **options)
        return True

    def _say(self, text: str, **options: Any) -> None:
        if options["verbosity"] > 0:
            self.stdout.write(text)


def _described(mismatch: Mismatch) -> str:
    return (
        f"Slot {mismatch.slot_id} counts {mismatch.taken} of {mismatch.capacity} seats as taken; "
        f"its orders hold {mismatch.held}."
    )
