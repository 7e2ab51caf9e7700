"""django-q2's cluster, whose schedules install themselves: a release that adds one needs no further step."""

from typing import Any

from django_q.management.commands import qcluster

from bookings import cluster, schedules


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    help = "Run the schedules and their tasks on the project's PostgreSQL until SIGTERM or SIGINT."

    def handle(self, *args: Any, **options: Any) -> None:
        cluster.restrict()
        schedules.install()
        super().handle(*args, **options)
