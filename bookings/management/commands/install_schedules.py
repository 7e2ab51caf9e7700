"""Installs the schedules without starting a cluster; `qcluster` does it by itself."""

from argparse import ArgumentParser
from typing import Any

from bookings import schedules
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Write the schedules of settings.SCHEDULES into django-q2's table. Safe to repeat; qcluster does it as well."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        changed = schedules.install()
        if options["verbosity"] > 0:
            self.stdout.write(f"Installed: {', '.join(changed)}." if changed else "Every schedule is installed.")
