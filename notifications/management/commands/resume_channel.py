"""Resumes a paused channel, for all relays."""

from argparse import ArgumentParser
from typing import Any

from notifications.management.arguments import actor, add_reason, configured_channel
from notifications.management.databases import DatabaseCommand
from notifications.operations import pause_channel


class Command(DatabaseCommand):
    help = "Resume a paused channel."
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("channel", type=configured_channel, metavar="NAME", help="For example sms.")
        add_reason(parser)
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        name = options["channel"]
        has_changed = pause_channel.resume(
            name, actor=actor("resume_channel"), reason=options["reason"], using=options["database"]
        )
        self.stdout.write(f"{name} is resumed." if has_changed else f"{name} was not paused.")
