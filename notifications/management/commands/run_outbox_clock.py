"""Runs the outbox's periodic work in the foreground, and stops gracefully on SIGTERM and SIGINT."""

import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications import conf
from notifications.clock.run import clocks_beside
from notifications.management.databases import ALL, add_database, chosen

LOOK_SECONDS = 0.2  # how often it is looked whether a signal has come


class Command(BaseCommand):
    help = (
        "Run the outbox's periodic work apart from the relays: held messages, late fallbacks, receipts, alerts, "
        "pruning, abandoned bulk replays. Relays do it themselves unless OUTBOX_CLOCK is `apart`. "
        "Several do no harm: each job runs in one at a time."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_database(parser, several=True, unnamed=(ALL,))

    def handle(self, *_: Any, **options: Any) -> None:
        if not conf.sends():
            raise CommandError(
                "OUTBOX_SENDS is False: the clock asks providers for receipts, and needs their credentials."
            )
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: asked.append(received))
        with clocks_beside(chosen(options["database"], unnamed=(ALL,))):
            while not asked:
                time.sleep(LOOK_SECONDS)
