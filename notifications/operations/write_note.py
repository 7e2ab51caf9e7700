"""Writes staff's notes about a recipient. They are kept as they were written, until the person is forgotten."""

from django.db import DEFAULT_DB_ALIAS

from notifications.models import Recipient
from notifications.models.note import Note
from notifications.operations.record_action import user_id_of
from notifications.protocol.lanes import locked_lanes


def write_note(recipient_id: int, text: str, *, actor: str, using: str = DEFAULT_DB_ALIAS) -> Note | None:
    """Keep `text` about the recipient; None, if the person was forgotten: nothing is kept of them any more."""
    with locked_lanes([recipient_id], using=using):  # a note and an erasure at once: one of them comes first
        if not Recipient.objects.using(using).filter(pk=recipient_id, erased_at=None).exists():
            return None
        return Note.objects.using(using).create(
            recipient_id=recipient_id, text=text, actor=actor, actor_id=user_id_of(actor)
        )
