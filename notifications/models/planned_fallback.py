"""The table of planned fallbacks: the second channel for a message that the first does not deliver."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PlannedFallback(models.Model):
    """If `message` has not arrived at `due_at`, a substitute is sent on `channel`.

    One row per message, so the database refuses a second substitute.
    """

    message = models.OneToOneField("OutboxMessage", on_delete=models.CASCADE, related_name="planned_fallback")
    channel = models.CharField(max_length=32)
    due_at = models.DateTimeField(null=True, help_text=_("empty: decided, with or without a substitute"))
    substitute = models.OneToOneField("OutboxMessage", on_delete=models.SET_NULL, null=True, related_name="stands_in")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="fallback_due")]

    def __str__(self) -> str:
        return f"message {self.message_id}, else by {self.channel}"
