"""The tables of what comes back after a send: providers' receipts, and when people last wrote to us."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from notifications.lifecycle import ReceiptStatus


class Receipt(models.Model):
    """The farthest status that a provider reported for a message it accepted, in whatever order the reports came.

    One row per acceptance: a message that went out twice has two. `OutboxMessage.receipt` holds the final status.
    """

    message = models.ForeignKey("OutboxMessage", on_delete=models.CASCADE, related_name="receipts", db_index=False)
    provider_id = models.CharField(max_length=255)
    claim_number = models.BigIntegerField(db_default=0, help_text=_("the attempt that it is about; 0: not known"))
    status = models.CharField(max_length=16, choices=[(status.value, status.value) for status in ReceiptStatus])
    code = models.CharField(max_length=64, blank=True, db_default="", help_text=_("why it was not delivered"))
    detail = models.TextField(blank=True, db_default="")
    received_at = models.DateTimeField(db_default=Now())
    poll_at = models.DateTimeField(null=True, help_text=_("when to poll the provider, if it reports nothing more"))
    polls = models.IntegerField(db_default=0, help_text=_("polls without an answer"))
    previous = models.CharField(
        max_length=16, db_default="", help_text=_("the status before this one: usage counts the step between them")
    )
    price = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, help_text=_("what the provider charged; empty: not known yet")
    )
    currency = models.CharField(max_length=3, db_default="", help_text=_("of the price, ISO 4217"))
    segments = models.IntegerField(null=True, help_text=_("as the provider counted them"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "provider_id"], name="receipt_once_per_acceptance"),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in ReceiptStatus]), name="receipt_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["poll_at"], condition=Q(poll_at__isnull=False), name="receipt_to_poll"),
            models.Index(fields=["received_at"], name="receipt_received_at"),
        ]

    def __str__(self) -> str:
        return f"message {self.message_id}: {self.status}"


class Bookmark(models.Model):
    """How far a scheduled task has read the attempts. The row is also the task's lock."""

    name = models.CharField(max_length=32)
    position = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="bookmark_is_one_per_task")]

    def __str__(self) -> str:
        return f"{self.name}: {self.position}"


class Conversation(models.Model):
    """When somebody last wrote to us. WhatsApp allows free text for 24 hours after it, then only templates."""

    channel = models.CharField(max_length=32)
    phone = models.CharField(max_length=16)
    last_inbound_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "phone"], name="conversation_is_one_per_number")]

    def __str__(self) -> str:
        return f"{self.channel} conversation {self.pk}"


class InboundMessage(models.Model):
    """An incoming message that was dealt with, by the provider's ID. Its signature never expires, so it is kept."""

    provider_id = models.CharField(max_length=64, primary_key=True)
    heard_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.provider_id
