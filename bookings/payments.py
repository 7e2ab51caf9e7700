"""Payments as gateways confirmed them, the events that told of them, and refunds. Amounts are in minor units."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Payment(models.Model):
    """A captured payment, as the gateway confirmed it. What it paid for, or that it was refunded, follows from it."""

    order = models.ForeignKey("bookings.Order", on_delete=models.PROTECT, related_name="payments")
    gateway = models.CharField(max_length=32)
    payment_id = models.CharField(max_length=100)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "payment_id"], name="payment_is_recorded_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return self.payment_id


class PaymentEvent(models.Model):
    """An event that a gateway's webhook told and that was dealt with; told again, it is passed over."""

    gateway = models.CharField(max_length=32)
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, help_text="paid or failed")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="payment_event_is_handled_once")]

    def __str__(self) -> str:
        return self.event_id


class Refund(models.Model):
    """Money to give back: recorded with its cause, in one transaction, and executed at the gateway afterwards."""

    class Status(models.TextChoices):
        REQUESTED = "requested"  # to be executed, or tried again
        SUCCEEDED = "succeeded"
        FAILED = "failed"  # the gateway goes on refusing it; staff start it again, or pay by other means

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="refund")
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=32, help_text="sold_out, order_already_paid, cancelled, slot_cancelled")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.REQUESTED)
    gateway_refund_id = models.CharField(max_length=100, blank=True)
    error = models.TextField(blank=True, db_default="", help_text="why the gateway refused it at the last try")
    refusals = models.PositiveIntegerField(default=0, db_default=0, help_text="how often the gateway refused it")
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    succeeded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["requested", "failed"], succeeded_at__isnull=True)
                | Q(status="succeeded", succeeded_at__isnull=False),
                name="refund_has_succeeded_at_a_moment",
            ),
        ]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(status="requested"), name="refund_to_execute")]
        permissions = [("retry_refund", "Can start failed refunds again")]

    def __str__(self) -> str:
        return f"refund of {self.payment_id}"

    @property
    def is_of_a_booking(self) -> bool:
        """Whether the payment had bought a booking, which was cancelled since."""
        return self.reason in ("cancelled", "slot_cancelled")
