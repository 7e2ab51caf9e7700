"""Asks providers about messages whose receipt never came. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from notifications.channels.routes import build_routes
from notifications.management.arguments import number_of
from notifications.management.databases import DatabaseCommand
from notifications.receipts.poll import MOST, PER_SECOND, poll


class Command(DatabaseCommand):
    help = "Ask providers for receipts that never came. The scheduler does it as well."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--limit", type=number_of(int, least=1), default=MOST, help=f"At most this many messages. Default: {MOST}."
        )
        parser.add_argument(
            "--per-second",
            type=number_of(float, least=0.1),
            default=PER_SECOND,
            help=f"At most this many requests a second. Default: {PER_SECOND:g}.",
        )
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        try:
            channels = build_routes()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        try:
            polled = poll(channels, most=options["limit"], per_second=options["per_second"], using=options["database"])
        finally:
            for channel in channels.values():
                channel.close()
        if options["verbosity"] > 0:
            self.stdout.write(str(polled))
