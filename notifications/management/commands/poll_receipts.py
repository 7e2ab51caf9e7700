"""Asks providers about messages whose receipt never came. Safe to run twice and side by side."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from notifications.channels import build_channels
from notifications.management.arguments import add_database, number_of
from notifications.receipts.poll import MOST, PER_SECOND, poll


class Command(BaseCommand):
    help = "Ask providers for receipts that never came. The scheduler does it as well."

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
        add_database(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            channels = build_channels()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        try:
            polled = poll(channels, most=options["limit"], per_second=options["per_second"], using=options["database"])
        finally:
            for channel in channels.values():
                channel.close()
        if options["verbosity"] > 0:
            self.stdout.write(str(polled))
