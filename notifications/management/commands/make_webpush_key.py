"""Makes the pair of keys with which web push is signed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Print a new pair of keys for web push. Keep it: browsers sign up with the public one, and with another pair "
        "all of them are lost."
    )
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            from notifications.channels.webpush_encryption import new_private_key, public_key_of  # noqa: PLC0415  (an extra)
        except ImportError as error:
            raise CommandError("Install the extra first: django-notifications-outbox[webpush].") from error
        key = new_private_key()
        self.stdout.write(f"WEBPUSH_PUBLIC_KEY={public_key_of(key)}\nWEBPUSH_PRIVATE_KEY={key}")
