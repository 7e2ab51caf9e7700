"""Slots, orders, payments, bookings, refunds. The constraints here are what makes overselling and double booking
impossible, whatever the code above them does. Amounts are in minor units of an ISO 4217 currency, moments in UTC.
"""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Now

from bookings.business import default_currency
from bookings.customers import Customer
from bookings.payments import Payment, PaymentEvent, Refund
from bookings.places import IS_A_LINK, Place
from bookings.scheduled_tasks import ScheduledTask
from bookings.setbacks import Setback
from bookings.sign_ins import SignIn
from bookings.staff_tokens import StaffToken
from bookings.tokens import AccessToken

__all__ = [
    "AccessToken",
    "Booking",
    "Customer",
    "Order",
    "Payment",
    "PaymentEvent",
    "Refund",
    "ScheduledTask",
    "Setback",
    "SignIn",
    "Slot",
    "StaffToken",
]

MOST_QUANTITY = 100  # seats in one order
MOST_IDEMPOTENCY_KEY = 200  # characters


class SlotQuerySet(models.QuerySet["Slot"]):
    """Slots, by what can be said of them."""

    def with_lapsed_seats(self, *, now: datetime) -> Self:
        """Each with `lapsed_seats`: held by orders whose hold has ended, and free at the next look."""
        lapsed = Order.objects.filter(slot=OuterRef("pk"), status=Order.Status.OPEN, hold_expires_at__lte=now)
        seats = lapsed.order_by().values("slot").values(seats=Sum("quantity"))
        return self.annotate(lapsed_seats=Coalesce(Subquery(seats), 0))


class Slot(Place):
    """Something that can be booked. `seats_taken` counts the seats of open holds and of confirmed bookings."""

    title = models.CharField(max_length=200)
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    capacity = models.PositiveIntegerField()
    seats_taken = models.PositiveIntegerField(default=0, editable=False)
    price = models.BigIntegerField(help_text="of one seat, in minor units: 1250 is €12.50")
    currency = models.CharField(max_length=3, default=default_currency, help_text="ISO 4217")
    free_cancellation_hours = models.PositiveIntegerField(
        default=24, help_text="cancelled at least this long before the start, a booking is refunded in full"
    )
    late_refund_percent = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="of the price, given back for a later cancellation"
    )
    no_refund_hours = models.PositiveIntegerField(
        default=0, db_default=0, help_text="cancelled less than this long before the start, nothing is given back"
    )
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="when staff called it off")

    objects = SlotQuerySet.as_manager()

    class Meta:
        constraints = [
            IS_A_LINK,
            models.CheckConstraint(
                condition=Q(seats_taken__gte=0, seats_taken__lte=F("capacity")),
                name="slot_is_not_oversold",
                violation_error_message="More seats are taken than this capacity has.",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="slot_ends_after_it_starts",
                violation_error_message="A slot must end after it starts.",
            ),
            models.CheckConstraint(
                condition=Q(price__gt=0),
                name="slot_price_is_positive",
                violation_error_message="The price must be more than nothing.",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="slot_currency_is_iso_4217",
                violation_error_message="The currency must be three capital letters, as in EUR.",
            ),
            models.CheckConstraint(
                condition=Q(late_refund_percent__lte=100),
                name="slot_refunds_at_most_the_price",
                violation_error_message="At most 100 percent can be given back.",
            ),
            models.CheckConstraint(
                condition=Q(no_refund_hours__lte=F("free_cancellation_hours")),
                name="slot_refunds_less_with_time",
                violation_error_message="Nothing can be given back only after the free cancellation has ended.",
            ),
        ]
        permissions = [("cancel_slot", "Can call off slots"), ("see_occupancy", "Can see who comes to a slot")]

    def __str__(self) -> str:
        return self.title

    @property
    def seats_left(self) -> int:
        """Free seats; those of lapsed holds count as free where the query has looked for them (`with_lapsed_seats`)."""
        return self.capacity - self.seats_taken + getattr(self, "lapsed_seats", 0)

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None

    def take_seats(self, quantity: int) -> bool:
        """Take `quantity` seats, or none and answer False; one that is cancelled or hidden has none to take.

        Locks the slot until the transaction ends.
        """
        return self._change_seats(quantity, cancelled_at=None, is_published=True)

    def free_seats(self, quantity: int) -> None:
        """Give back `quantity` taken seats. Locks the slot until the transaction ends."""
        if not self._change_seats(-quantity):
            raise ValueError(f"Slot {self.pk} has fewer than {quantity} seats taken.")

    def _change_seats(self, change: int, **conditions: Any) -> bool:
        taken = F("seats_taken") + change
        slot = Slot.objects.filter(pk=self.pk, **conditions)
        fits = slot.annotate(then=taken).filter(then__gte=0, then__lte=F("capacity"))
        has_changed = fits.update(seats_taken=taken) == 1
        self.refresh_from_db(fields=["seats_taken"])
        return has_changed


class Order(models.Model):
    """A customer's wish to pay for seats, which are held until `hold_expires_at`."""

    class Status(models.TextChoices):
        OPEN = "open"  # its seats are held
        BOOKED = "booked"
        LAPSED = "lapsed"  # not paid in time; the seats are free again
        SOLD_OUT = "sold_out"  # paid after it had lapsed, when no seats were left; the payment is refunded

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveIntegerField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    hold_expires_at = models.DateTimeField()
    gateway = models.CharField(max_length=32)
    gateway_order_id = models.CharField(max_length=100, blank=True, help_text="empty until the gateway has answered")
    idempotency_key = models.CharField(
        max_length=MOST_IDEMPOTENCY_KEY,
        blank=True,
        db_default="",
        help_text="the client's own name for it, if it gave one",
    )
    sweep_at = models.DateTimeField(
        db_default=Now(),
        null=True,
        editable=False,
        help_text="while unpaid: when the gateway is next asked whether it was paid; empty: not any more",
    )
    created_at = models.DateTimeField(db_default=Now())
    failure_told_at = models.DateTimeField(
        null=True, editable=False, help_text="when its customer was last told that a payment failed"
    )
    starts_at = models.DateTimeField(null=True, editable=False, help_text="the slot's start as its customer saw it")
    # The refund rules of the slot when it was ordered: they hold whatever becomes of the slot's.
    free_cancellation_hours = models.IntegerField(null=True, editable=False)
    late_refund_percent = models.SmallIntegerField(null=True, editable=False)
    no_refund_hours = models.IntegerField(null=True, editable=False)
    checkout: dict[str, Any] | None = None  # what the gateway handed over with its order; not kept

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "gateway_order_id"],
                condition=~Q(gateway_order_id=""),
                name="gateway_order_is_one_order",
            ),
            models.UniqueConstraint(
                fields=["user", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="idempotency_key_is_one_order",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MOST_QUANTITY), name="order_quantity_is_sane"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="order_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "booked", "lapsed", "sold_out"]), name="order_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["slot", "hold_expires_at"], condition=Q(status="open"), name="order_holds"),
            models.Index(fields=["sweep_at"], condition=Q(status__in=["open", "lapsed"]), name="order_to_sweep"),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"

    def becomes(self, status: Status) -> Self:
        """Move to `status` and write it."""
        self.status = status
        self.save(update_fields=["status"])
        return self


class Booking(models.Model):
    """Seats that are paid for: one per order and one per payment, by constraint."""

    class Status(models.TextChoices):
        CONFIRMED = "confirmed"
        CANCELLED = "cancelled"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bookings")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="bookings")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="booking")
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="booking")
    quantity = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.CONFIRMED)
    created_at = models.DateTimeField(db_default=Now())
    cancelled_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True, help_text="when its reminder was queued")
    starts_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="the start that its customer was last told; the slot's may have moved since",
    )
    moved_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="when its customer was last told that the slot has moved"
    )
    checked_in_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="when its people came")

    class Meta:
        permissions = [("cancel_booking", "Can cancel bookings"), ("check_in", "Can check bookings in")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="confirmed", cancelled_at__isnull=True)
                | Q(status="cancelled", cancelled_at__isnull=False),
                name="booking_is_cancelled_at_a_moment",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="booking_quantity_is_positive"),
        ]
        indexes = [
            models.Index(
                fields=["slot"], condition=Q(status="confirmed", reminded_at__isnull=True), name="booking_to_remind"
            )
        ]

    def __str__(self) -> str:
        return f"booking {self.pk}"

    @property
    def reference(self) -> str:
        """How the outbox's messages name this booking."""
        return f"booking:{self.pk}"

    @property
    def has_moved(self) -> bool:
        """Whether the slot starts at another time than was booked, its customer told of it or not yet."""
        return self.moved_at is not None or self.has_untold_move

    @property
    def has_untold_move(self) -> bool:
        """Whether the slot starts at another minute than its customer was told; forms and words know no seconds."""
        return self.starts_at is not None and _minute(self.starts_at) != _minute(self.slot.starts_at)

    def cancel(self, *, now: datetime) -> None:
        """Become cancelled, and give the seats back."""
        self.status, self.cancelled_at = self.Status.CANCELLED, now
        self.save(update_fields=["status", "cancelled_at"])
        self.slot.free_seats(self.quantity)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
