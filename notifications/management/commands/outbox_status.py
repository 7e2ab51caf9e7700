"""Prints what the outbox looks like: for people, for scripts (--json) and for monitors (--fail-if-older-than)."""

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from notifications.management.arguments import add_database, number_of
from notifications.stats import Overview, overview


class Command(BaseCommand):
    help = "Show what waits in the outbox, since when, and which relays are at work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        seconds = number_of(float, least=0)
        parser.add_argument("--json", action="store_true", help="One JSON object instead of a table.")
        parser.add_argument(
            "--watch",
            nargs="?",
            type=number_of(float, least=0.1),
            const=2.0,
            metavar="SECONDS",
            help="Show again every so often, until Ctrl-C. Default: 2.",
        )
        parser.add_argument(
            "--fail-if-older-than",
            type=seconds,
            metavar="SECONDS",
            help="Exit 1 if a due message has waited longer than this.",
        )
        add_database(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        if options["watch"] is not None:
            self._watch(options)
            return
        now = overview(options["database"])
        self._print(now, as_json=options["json"])
        limit, waited = options["fail_if_older_than"], now.oldest_due_seconds
        if limit is not None and waited is not None and waited > limit:
            raise CommandError(f"A due message has been waiting for {waited:.0f} s, longer than {limit:g} s.")

    def _watch(self, options: dict[str, Any]) -> None:
        try:
            while True:
                if not options["json"] and self.stdout.isatty():
                    self.stdout.write("\x1b[2J\x1b[H", ending="")
                self._print(overview(options["database"]), as_json=options["json"])
                self.stdout.flush()
                time.sleep(options["watch"])
        except KeyboardInterrupt:
            return

    def _print(self, now: Overview, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(now), default=lambda moment: moment.isoformat()))
        else:
            self.stdout.write("\n".join(_lines(now)))


def _lines(now: Overview) -> list[str]:
    waited = "nothing is due" if now.oldest_due_seconds is None else f"oldest due for {now.oldest_due_seconds:.1f} s"
    lines = ["Messages  " + "  ".join(f"{status} {count}" for status, count in now.messages.items())]
    lines.append(f"Lanes     {now.lanes['open']} open, {now.lanes['blocked']} blocked by a retry; {waited}")
    for name, channel in now.channels.items():
        lines.append(
            f"Channel   {name}: {channel['state']}, last minute {channel['sent_last_minute']} sent,"
            f" {channel['failed_last_minute']} failed"
        )
    for relay in now.relays:
        heard = (timezone.now() - relay["heartbeat_at"]).total_seconds()
        lines.append(
            f"Relay     {relay['id']} on {relay['host']} (process {relay['pid']}): {relay['in_flight']} in flight,"
            f" {relay['concurrency']} at once per channel, heard {max(heard, 0):.1f} s ago"
        )
    if not now.relays:
        lines.append("Relay     none is running: start one with `manage.py run_outbox_relay`")
    return lines
