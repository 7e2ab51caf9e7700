"""What customers are told: the only file that names the kinds of messages and the keys of their contexts.

Each function must be called in the transaction of what it announces. The dedupe key makes each fact announced once.
"""

from datetime import timedelta
from typing import Any

from bookings.models import Booking, Order, Refund, Slot
from notifications import outbox
from notifications.outbox import Kind, Purpose

ALL = ("sms", "whatsapp", "email")

BOOKING_CONFIRMED = Kind("booking.confirmed", channels=ALL)
BOOKING_CANCELLED = Kind("booking.cancelled", channels=ALL)
BOOKING_REMINDER = Kind("booking.reminder", channels=ALL, purpose=Purpose.REMINDER, expires_after=timedelta(hours=12))
PAYMENT_FAILED = Kind("payment.failed", channels=ALL)
PAYMENT_REFUNDED = Kind("payment.refunded", channels=ALL)
KINDS = (BOOKING_CONFIRMED, BOOKING_CANCELLED, BOOKING_REMINDER, PAYMENT_FAILED, PAYMENT_REFUNDED)


def register_kinds() -> None:
    """Make the kinds known to the outbox."""
    for kind in KINDS:
        outbox.register(kind)


def booking_confirmed(booking: Booking) -> None:
    """The payment arrived, and the seats are the customer's."""
    _about_booking(BOOKING_CONFIRMED, booking)


def booking_cancelled(booking: Booking) -> None:
    """The seats are free again; a refund, where the rules allow one, is announced when it is made."""
    _about_booking(BOOKING_CANCELLED, booking)


def booking_reminder(booking: Booking) -> None:
    """The slot starts soon."""
    _about_booking(BOOKING_REMINDER, booking)


def payment_failed(order: Order, *, payment_id: str) -> None:
    """The gateway could not take the money."""
    outbox.publish(
        PAYMENT_FAILED.name,
        recipient=order.user,
        context={**_slot(order.slot, order.quantity), **_money(order.amount, order.currency)},
        dedupe_key=f"payment:{payment_id}:failed",
        reference=f"order:{order.pk}",
    )


def payment_refunded(refund: Refund) -> None:
    """The gateway has given the money back."""
    order = refund.payment.order
    outbox.publish(
        PAYMENT_REFUNDED.name,
        recipient=order.user,
        context={
            **_slot(order.slot, order.quantity),
            **_money(refund.amount, refund.payment.currency),
            "reason": refund.reason,
        },
        dedupe_key=f"refund:{refund.pk}:succeeded",
        reference=f"order:{order.pk}" if refund.reason != "cancelled" else order.booking.reference,
    )


def _about_booking(kind: Kind, booking: Booking) -> None:
    outbox.publish(
        kind.name,
        recipient=booking.user,
        context={
            "booking": booking.pk,
            **_slot(booking.slot, booking.quantity),
            **_money(booking.payment.amount, booking.payment.currency),
        },
        dedupe_key=f"{booking.reference}:{kind.name.removeprefix('booking.')}",
        reference=booking.reference,
    )


def _slot(slot: Slot, quantity: int) -> dict[str, Any]:
    return {"title": slot.title, "starts_at": slot.starts_at.isoformat(), "quantity": quantity}


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}
