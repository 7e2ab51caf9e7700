"""django-q2's cluster, whose schedules install themselves: a release that adds one needs no further step.

Where there are shards, each has schedules and tasks of its own, and so a cluster: named with --database it is one, and
else there is one for each, in processes of their own. One whose database is away is started again later.
"""

import signal
from argparse import ArgumentParser
from typing import Any

from django_q.management.commands import qcluster

from bookings import cluster, schedules
from bookings.clusters import Clusters
from notifications.management.databases import ALL, add_database, chosen
from notifications.shards import on_database


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    help = "Run the schedules and their tasks on the project's PostgreSQL until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_database(parser, several=True, unnamed=(ALL,))

    def handle(self, *args: Any, **options: Any) -> None:
        databases = chosen(options.pop("database"), unnamed=(ALL,))
        if len(databases) > 1:
            _run_each(databases, is_once=options["run_once"])
            return
        with on_database(databases[0]):  # which the cluster's processes begin with, as they are forked
            cluster.restrict()
            schedules.install()
            super().handle(*args, **options)


def _run_each(databases: list[str], *, is_once: bool) -> None:
    clusters = Clusters(databases, is_once=is_once)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: clusters.stop())
    if code := clusters.run():
        raise SystemExit(code)
