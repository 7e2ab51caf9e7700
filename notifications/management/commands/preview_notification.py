"""Shows what a kind's messages say on each channel, without sending anything."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from notifications import kinds
from notifications.errors import UnknownKind
from notifications.kinds import Kind
from notifications.management.arguments import configured_channel, language_tag, time_zone
from notifications.models import Recipient
from notifications.selectors.kind_previews import preview_kind
from notifications.selectors.outgoing import Words


def known_kind(text: str) -> Kind:
    """A registered kind."""
    try:
        return kinds.get(text)
    except UnknownKind as error:
        raise ArgumentTypeError(str(error)) from None


class Command(BaseCommand):
    help = (
        "Show what messages of a kind say on each channel, with the sample that the kind declares, and how many "
        "segments its SMS takes. Exits 1 if any of them cannot be put into words. Sends nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", type=known_kind, metavar="KIND", help="For example booking.confirmed.")
        parser.add_argument("--channel", type=configured_channel, metavar="NAME", help="This channel only.")
        parser.add_argument("--locale", type=language_tag, metavar="TAG", help="Default: the recipient's, or en.")
        parser.add_argument("--time-zone", type=time_zone, metavar="ZONE", help="Default: the recipient's, or UTC.")
        parser.add_argument("--recipient", metavar="USER", help="A user's name: in this person's language and zone.")
        parser.add_argument("--html", type=Path, metavar="FILE", help="Write the email's HTML there, for a browser.")

    def handle(self, *_: Any, **options: Any) -> None:
        recipient = self._recipient(options["recipient"])
        previews = preview_kind(
            options["kind"],
            channel=options["channel"] or "",
            locale=options["locale"] or (recipient.locale if recipient else settings.LANGUAGE_CODE),
            time_zone=options["time_zone"] or (recipient.time_zone if recipient else settings.TIME_ZONE),
            recipient_id=recipient.pk if recipient else 0,
        )
        for each in previews:
            self._show(each)
        if options["html"]:
            self._write_html(previews, options["html"])
        if broken := [each.channel for each in previews if each.problem]:
            raise CommandError(f"Cannot be put into words: {', '.join(broken)}.")

    def _recipient(self, name: str | None) -> Recipient | None:
        if not name:
            return None
        user_name = f"user__{get_user_model().USERNAME_FIELD}"
        recipient = Recipient.objects.filter(**{user_name: name}).first()
        if recipient is None:
            raise CommandError(f"Nobody called {name!r} is a recipient.")
        return recipient

    def _show(self, each: Words) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"── {each.channel} ".ljust(80, "─")))
        if each.problem:
            self.stdout.write(self.style.ERROR(each.problem))
        for name, text in each.parts.items():
            if name == "html":
                self.stdout.write(self.style.NOTICE(f"html: {len(text)} characters; --html FILE writes them"))
            elif name == "text":
                self.stdout.write(text)
            else:
                self.stdout.write(f"{name}: {text}\n")
        for file in each.files:
            self.stdout.write(self.style.NOTICE(f"{file.name}: {file.content_type}, {len(file.content):,} bytes"))
        if each.segments:
            self.stdout.write(self.style.NOTICE(str(each.segments)))
        self.stdout.write("")

    def _write_html(self, previews: list[Words], file: Path) -> None:
        pages = [each.html for each in previews if each.html]
        if not pages:
            raise CommandError("None of these channels has HTML.")
        try:
            file.write_text(pages[0])
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
