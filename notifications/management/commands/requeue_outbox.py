"""Replays failed messages: chosen by id, or all that match a filter."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Count, QuerySet

from notifications.management.arguments import actor, add_reason, moment, number_of
from notifications.management.databases import DatabaseCommand
from notifications.models import OutboxMessage
from notifications.operations import replay
from notifications.selectors.failed_messages import Selection, UnknownUser

FILTERS = ("kind", "channel", "error_code", "user", "since", "until")


class Command(DatabaseCommand):
    help = (
        "Put failed messages back in their lanes, to be sent again. Name them by ID, or choose by filters "
        "(--failed alone: all). Says what it would do, then what it did; exits 1 when an ID is not a failed message."
    )
    takes_several = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        one = number_of(int, least=1)
        parser.add_argument("ids", nargs="*", type=one, metavar="ID", help="Messages to replay.")
        parser.add_argument("--failed", action="store_true", help="All failed messages that match the other filters.")
        parser.add_argument("--kind", help="Of this kind, for example booking.confirmed.")
        parser.add_argument("--channel", help="On this channel, for example sms.")
        parser.add_argument("--error-code", help="That failed with this code, for example twilio_30008.")
        parser.add_argument("--user", help="For this user: the login name or the user's ID.")
        parser.add_argument("--since", type=moment, help="That failed at this moment or later (ISO 8601).")
        parser.add_argument("--until", type=moment, help="That failed before this moment (ISO 8601).")
        parser.add_argument("--limit", type=one, help="At most this many, the oldest first.")
        add_reason(parser)
        parser.add_argument("--dry-run", action="store_true", help="Show what would be done, and change nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask before replaying what the filters match.")
        self.add_database(parser)

    def work_on_each(self, databases: Sequence[str], **options: Any) -> None:
        if options["ids"]:
            raise CommandError("The same ID is another message in each database: name one with --database.")
        super().work_on_each(databases, **options)

    def work(self, **options: Any) -> None:
        has_filter = options["failed"] or any(options[name] for name in FILTERS)
        if not options["ids"] and not has_filter:
            raise CommandError(
                "Name messages by ID, or choose them by --failed, --kind, --channel, --error-code, --user, --since or "
                "--until."
            )
        chosen = self._choose(options)
        ids = list(chosen.order_by("id").values_list("id", flat=True)[: options["limit"]])
        self._preview(OutboxMessage.objects.using(options["database"]).filter(id__in=ids), dry_run=options["dry_run"])
        if ids and not options["dry_run"]:
            if not options["ids"]:
                self._confirm(len(ids), is_agreed=options["yes"])
            self._replay(ids, options)
        self._report_unmatched(options, ids)

    def _choose(self, options: dict[str, Any]) -> QuerySet[OutboxMessage]:
        words = {name: options[name] for name in FILTERS if options[name]}
        try:
            return Selection(ids=tuple(options["ids"]), **words).matching(using=options["database"])
        except UnknownUser as error:
            raise CommandError(str(error)) from None

    def _preview(self, chosen: QuerySet[OutboxMessage], *, dry_run: bool) -> None:
        groups = chosen.values("kind", "channel", "error_code").annotate(count=Count("id")).order_by("kind", "channel")
        verb = "Would replay" if dry_run else "Replaying"
        for group in groups:
            self.stdout.write(
                f"{verb} {group['count']} × {group['kind']} by {group['channel']}, failed with {group['error_code']}"
            )
        if not groups:
            self.stdout.write("No failed message matches; nothing to replay.")

    def _confirm(self, count: int, *, is_agreed: bool) -> None:
        if is_agreed:
            return
        if not sys.stdin.isatty():
            raise CommandError(
                f"{count} messages match. Add --yes to replay them without being asked, or --dry-run to look."
            )
        if input(f"Replay {count} messages? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was replayed.")

    def _replay(self, ids: list[int], options: dict[str, Any]) -> None:
        def progress(done: int) -> None:
            if options["verbosity"] >= 1 and len(ids) > replay.BATCH:
                self.stdout.write(f"  {done} of {len(ids)} looked at")

        replayed = replay.replay(
            ids, actor=actor("requeue_outbox"), reason=options["reason"], using=options["database"], progress=progress
        )
        self.stdout.write(self.style.SUCCESS(f"Replayed {len(replayed)} of {len(ids)} messages."))

    def _report_unmatched(self, options: dict[str, Any], matched: list[int]) -> None:
        unmatched = sorted(set(options["ids"]) - set(matched))
        if not unmatched:
            return
        found = dict(
            OutboxMessage.objects.using(options["database"]).filter(id__in=unmatched).values_list("id", "status")
        )
        reasons = ", ".join(f"{id_} ({found.get(id_, 'does not exist')})" for id_ in unmatched)
        raise CommandError(f"Not replayed, because only failed messages that match the filters are: {reasons}.")
