"""The table of notes: what staff wrote about a recipient, for the next one who looks."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from notifications.models.audit import MOST_ACTOR
from notifications.models.recipient import Recipient

MOST_NOTE = 2000  # characters


class Note(models.Model):
    """Who wrote what, and when. A trigger keeps it as it was written; it goes when the person is forgotten."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="notes")
    text = models.CharField(max_length=MOST_NOTE)
    actor = models.CharField(max_length=MOST_ACTOR, help_text=_("a user's name as of then"))
    actor_id = models.BigIntegerField(null=True, help_text=_("the user's ID"))
    written_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"note {self.pk} by {self.actor}"
