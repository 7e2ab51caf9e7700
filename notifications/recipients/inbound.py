"""What people write to us: it may be a wish, and it opens a conversation in which WhatsApp allows free text."""

from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from notifications.models import Conversation
from notifications.recipients import opt_outs

WINDOW = timedelta(hours=24)  # https://www.twilio.com/docs/whatsapp/key-concepts#the-24-hour-window


def hear(
    *,
    phone: str,
    channel: str,
    text: str,
    wish: str = "",
    now: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Note that `phone` (E.164) wrote `text` on `channel`; `wish` is what the provider understood it to be, if it did.

    The same message told twice changes nothing more.
    """
    heard_at = now or timezone.now()
    with transaction.atomic(using=using):
        opt_outs.inbound(phone=phone, channel=channel, words=wish or text, using=using)
        Conversation.objects.using(using).bulk_create(
            [Conversation(channel=channel, phone=phone, heard_at=heard_at)],
            update_conflicts=True,
            unique_fields=["channel", "phone"],
            update_fields=["heard_at"],
        )
