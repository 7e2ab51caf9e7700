"""Incoming messages: STOP and START, and when somebody last wrote, for the hours in which WhatsApp allows free text."""

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models.functions import Now

from notifications.models import Conversation
from notifications.policy import phone_numbers
from notifications.recipients import opt_outs


def receive(
    *,
    phone: str,
    channel: str,
    text: str,
    opt_out_type: str = "",
    provider_id: str = "",
    now: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Record that `phone` (E.164) wrote `text` on `channel`, and apply its keyword.

    `opt_out_type` is the keyword that the provider found in it. A message counts once, by the provider's ID. Signatures
    never expire: whoever has seen an old START could otherwise undo a later STOP with it.
    """
    with transaction.atomic(using=using):
        if provider_id and not _is_new(provider_id, using=using):
            return
        # A provider may understand HELP, or a word that we know and it does not.
        for said in (opt_out_type, text):
            if opt_outs.apply_keyword(phone=phone, channel=channel, text=said, using=using):
                break
        conversation = Conversation(channel=channel, phone=phone_numbers.canonical(phone), last_inbound_at=now or Now())
        Conversation.objects.using(using).bulk_create(
            [conversation],
            update_conflicts=True,
            unique_fields=["channel", "phone"],
            update_fields=["last_inbound_at"],
        )


def _is_new(provider_id: str, *, using: str) -> bool:
    """Remember the message; False if it was remembered before. Who asks at the same moment waits for the answer."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_inboundmessage (provider_id) VALUES (%s) ON CONFLICT DO NOTHING", [provider_id]
        )
        return bool(cursor.rowcount)
