"""Installs the schedules without starting a cluster; `qcluster` does it by itself."""

from typing import Any

from django.core.management.base import BaseCommand

from bookings import schedules


class Command(BaseCommand):
    help = "Write the schedules of settings.SCHEDULES into django-q2's table. Safe to repeat; qcluster does it as well."

    def handle(self, *_: Any, **options: Any) -> None:
        changed = schedules.install()
        if options["verbosity"] > 0:
            self.stdout.write(f"Installed: {', '.join(changed)}." if changed else "Every schedule is installed.")
