"""Deletes messages that ended long ago, while everything else runs on."""

import signal
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from notifications.management.arguments import number_of
from notifications.management.databases import DatabaseCommand
from notifications.operations.prune import Pruned, prune

PROGRESS_SECONDS = 5.0
MOST_DAYS = 365_000.0  # a thousand years: more cannot be reckoned with


class Command(DatabaseCommand):
    help = (
        "Delete messages that ended (sent, failed, cancelled, expired) more than DAYS ago, with their attempts. Works "
        "in small batches with pauses, so that nothing else waits; never touches an unfinished message. On SIGTERM or "
        "SIGINT it ends after the batch at hand; what is left is for the next run. Dedupe keys and the record of what "
        "staff did stay."
    )
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=number_of(float, least=0),
            required=True,
            metavar="DAYS",
            help="Delete messages that ended more than this many days ago.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Show what would be deleted, and change nothing.")
        self.add_database(parser)

    def work_on_each(self, databases: Sequence[str], **options: Any) -> None:
        """Once asked to stop, none is begun any more."""
        super().work_on_each(databases, **options, pause=_pause_unless_stopped())

    def work(self, **options: Any) -> None:
        pause = options.get("pause") or _pause_unless_stopped()
        if pause(0.0):
            return
        before = timezone.now() - timedelta(days=min(options["older_than"], MOST_DAYS))
        pruned = prune(
            before,
            dry_run=options["dry_run"],
            using=options["database"],
            progress=self._progress(verbosity=options["verbosity"]),
            pause=pause,
        )
        if options["verbosity"] >= 1:
            self.stdout.write(_words(pruned, before=f"{before:%Y-%m-%d %H:%M %Z}", dry_run=options["dry_run"]))

    def _progress(self, *, verbosity: int) -> Callable[[Pruned], None]:
        said_at = time.monotonic()

        def say(pruned: Pruned) -> None:
            nonlocal said_at
            if verbosity >= 1 and time.monotonic() - said_at >= PROGRESS_SECONDS:
                said_at = time.monotonic()
                self.stdout.write(f"  {pruned.total} so far")
                self.stdout.flush()

        return say


def _pause_unless_stopped() -> Callable[[float], bool]:
    """Wait between batches. True once a signal has asked to stop."""
    is_stopped = False

    def stop(*_: object) -> None:
        nonlocal is_stopped
        is_stopped = True

    def pause(seconds: float) -> bool:
        if not is_stopped:
            time.sleep(seconds)
        return is_stopped

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return pause


def _words(pruned: Pruned, *, before: str, dry_run: bool) -> str:
    by_status = ", ".join(f"{count} {status}" for status, count in sorted(pruned.messages.items()))
    done = "Would remove" if dry_run else "Removed"
    end = "" if pruned.is_complete else " Stopped before the end; run it again for the rest."
    return f"{done} {pruned.total} messages that ended before {before}{f': {by_status}' if by_status else ''}.{end}"
