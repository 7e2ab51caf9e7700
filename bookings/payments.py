"""Payments as gateways confirmed them, the webhook events about them, and refunds. Amounts are in minor units."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Payment(models.Model):
    """A captured payment, as the gateway confirmed it. What it paid for, or that it was refunded, follows from it.

    One of another amount than its order's pays for nothing until staff decide.
    """

    class Decision(models.TextChoices):
        NONE = "", "none needed"
        WANTED = "wanted", "wanted: not the order's amount"
        BOOKED = "booked", "booked anyway"
        REFUNDED = "refunded", "refunded"

    order = models.ForeignKey("bookings.Order", on_delete=models.PROTECT, related_name="payments")
    gateway = models.CharField(max_length=32)
    payment_id = models.CharField(max_length=100)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(db_default=Now())
    decision = models.CharField(max_length=16, choices=Decision.choices, blank=True, default="", db_default="")
    staff_told_at = models.DateTimeField(null=True, editable=False, help_text="when staff were told that it needs them")

    class Meta:
        permissions = [("decide_payment", "Can book or refund payments of another amount")]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "payment_id"], name="payment_is_recorded_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_is_positive"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(decision="wanted"), name="payment_to_decide")]

    def __str__(self) -> str:
        return self.payment_id


class PaymentEvent(models.Model):
    """A gateway's webhook event that has been processed; if it is delivered again, it is skipped."""

    gateway = models.CharField(max_length=32)
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, help_text="paid, failed or refund")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="payment_event_is_handled_once")]

    def __str__(self) -> str:
        return self.event_id


class Refund(models.Model):
    """Money to give back: recorded with its cause, in one transaction, and executed at the gateway afterwards.

    It has succeeded when the gateway says so, and can still fail after that, when a bank sends the money back.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"  # to be executed, or tried again
        PENDING = "pending"  # the gateway has taken it on; it is asked again until it says how that ended
        SUCCEEDED = "succeeded"
        FAILED = "failed"  # for good, says the gateway, or it goes on refusing; staff start it again, or pay otherwise

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="refund")
    amount = models.BigIntegerField()
    reason = models.CharField(
        max_length=32, help_text="sold_out, order_already_paid, cancelled, slot_cancelled, amount_mismatch"
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.REQUESTED)
    gateway_refund_id = models.CharField(max_length=100, blank=True)
    gateway_state = models.CharField(
        max_length=32, blank=True, db_default="", help_text="what the gateway last said: pending, requires_action, …"
    )
    error = models.TextField(blank=True, db_default="", help_text="why the gateway refused it, or why it failed")
    refusals = models.PositiveIntegerField(default=0, db_default=0, help_text="how often the gateway refused it")
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    succeeded_at = models.DateTimeField(null=True, blank=True)
    staff_told_at = models.DateTimeField(null=True, editable=False, help_text="when staff were told that it failed")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["requested", "pending", "failed"], succeeded_at__isnull=True)
                | Q(status="succeeded", succeeded_at__isnull=False),
                name="refund_has_succeeded_at_a_moment",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(status__in=["requested", "pending"]), name="refund_to_go_on_with"
            ),
            models.Index(
                fields=["id"], condition=Q(status="failed", staff_told_at__isnull=True), name="refund_failure_to_tell"
            ),
        ]
        permissions = [("retry_refund", "Can start failed refunds again")]

    def __str__(self) -> str:
        return f"refund of {self.payment_id}"

    @property
    def is_of_a_booking(self) -> bool:
        """Whether the payment had bought a booking, which was cancelled since."""
        return self.reason in ("cancelled", "slot_cancelled")
