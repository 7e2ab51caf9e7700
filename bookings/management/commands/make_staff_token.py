"""Makes a token for the staff API, for programs that run without a person."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from bookings.staff_tokens import SCOPES, make_staff_token
from notifications.management.databases import DatabaseCommand


class Command(DatabaseCommand):
    help = "Make a token for the staff API, and print it this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the member of staff whose token it is")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=list(SCOPES),
            help="what it may do; give it more than once",
        )
        parser.add_argument("--hours", type=float, help="how long it lasts; STAFF_TOKEN_HOURS at most, and by default")
        parser.add_argument("--reason", required=True, help="why; it goes on record")
        self.add_database(parser)

    def work(self, **options: Any) -> None:
        owner = User.objects.filter(username=options["user"], is_active=True, is_staff=True).first()
        if owner is None:
            raise CommandError(f"{options['user']} is no active member of staff.")
        given = {name: options[name] for name in ("scope", "hours", "reason")}
        try:
            token = make_staff_token(owner, actor="make_staff_token", **given)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(token)
