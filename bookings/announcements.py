"""What customers are told: the only file that names the kinds of messages and the keys of their contexts.

Each function must be called in the transaction of what it announces. The dedupe key makes each fact announced once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from bookings import check_in
from bookings.business_logo import with_logo
from bookings.calendar_event import event_of
from bookings.models import Booking, Order, Refund, Slot
from notifications import outbox, verification
from notifications.outbox import Attachment, Kind, Purpose

ALL = ("sms", "whatsapp", "email", *(("webpush",) if "webpush" in settings.OUTBOX_CHANNELS else ()))

# What the words are previewed with.
A_SLOT = {
    "title": "Sunset kayak tour",
    "starts_at": "2026-12-01T17:00:00+00:00",
    "ends_at": "2026-12-01T19:00:00+00:00",
    "time_zone": "Europe/Berlin",
    "place": "Harbour Street 1, Hamburg",
    "map_url": "https://maps.example/harbour",
    "quantity": 2,
}
A_PAYMENT = {**A_SLOT, "amount": 2500, "currency": "EUR"}
A_BOOKING = {
    **A_PAYMENT,
    "booking": 1234,
    "name": "Asha",
    "paid_at": "2026-11-20T09:00:00+00:00",
    "check_in": "https://bookings.example/admin/check-in/1234:sample/",
    "calendar": {"uid": "0f2e6a53-9d0b-5d6f-8a53-2f4d7b6f1c11", "sequence": 0, "stamp": "2026-11-20T09:00:00+00:00"},
}

# What goes with them: made by bookings/documents, when a message is sent. `most_bytes` is far above what they have.
EVENT = Attachment(
    "booking-{{ booking }}.ics",
    "text/calendar; method=REQUEST",
    build="bookings.documents.calendar_file.of_booking",
    most_bytes=20_000,
)
NO_EVENT = Attachment(
    "booking-{{ booking }}.ics",
    "text/calendar; method=CANCEL",
    build="bookings.documents.calendar_file.of_cancellation",
    most_bytes=20_000,
)
RECEIPT = Attachment(
    "receipt-{{ booking }}.pdf",
    "application/pdf",
    build="bookings.documents.receipt.of_booking",
    channels=("email", "whatsapp"),
    most_bytes=500_000,
)
TICKET = Attachment(
    "ticket-{{ booking }}.png",
    "image/png",
    build="bookings.documents.ticket.of_booking",
    cid="ticket",
    most_bytes=50_000,
)
LINKS = frozenset({"map_url", "check_in"})

BOOKING_CONFIRMED = Kind(
    "booking.confirmed", channels=ALL, sample=A_BOOKING, links=LINKS, attachments=(EVENT, RECEIPT, TICKET)
)
BOOKING_CANCELLED = Kind(
    "booking.cancelled", channels=ALL, sample={**A_BOOKING, "refund": 2500}, links=LINKS, attachments=(NO_EVENT,)
)
BOOKING_REMINDER = Kind(
    "booking.reminder", channels=ALL, purpose=Purpose.REMINDER, sample=A_BOOKING, links=LINKS, attachments=(TICKET,)
)
SLOT_CANCELLED = Kind("slot.cancelled", channels=ALL, sample=A_BOOKING, links=LINKS, attachments=(NO_EVENT,))
SLOT_MOVED = Kind(
    "slot.moved",
    channels=ALL,
    sample={**A_BOOKING, "old_starts_at": "2026-12-01T15:00:00+00:00"},
    links=LINKS,
    attachments=(EVENT,),
)
PAYMENT_FAILED = Kind("payment.failed", channels=ALL, sample=A_PAYMENT, links=LINKS)
ACCESS_CODE = {  # by the field of the address that it goes to
    field: Kind(
        f"account.access_code_{channel}",
        channels=(channel,),
        sample={"verification": 0, "purpose": "signup"},
        holds_code=True,
        lane=verification.SECURITY,
    )
    for field, channel in verification.CHANNELS.items()
}
PASSWORD_SET = {
    field: Kind(f"account.password_set_{channel}", channels=(channel,), may_be_repeated=False)
    for field, channel in verification.CHANNELS.items()
}
PAYMENT_REFUNDED = Kind("payment.refunded", channels=ALL, sample={**A_PAYMENT, "reason": "cancelled"}, links=LINKS)
KINDS = (
    BOOKING_CONFIRMED,
    BOOKING_CANCELLED,
    BOOKING_REMINDER,
    SLOT_CANCELLED,
    SLOT_MOVED,
    PAYMENT_FAILED,
    PAYMENT_REFUNDED,
    *ACCESS_CODE.values(),
    *PASSWORD_SET.values(),
)


def register_kinds() -> None:
    """Make the kinds known to the outbox."""
    for kind in (*KINDS, *verification.kinds()):
        outbox.register(with_logo(kind))


def booking_confirmed(booking: Booking) -> None:
    """The payment arrived, and the seats are the customer's."""
    _about_booking(BOOKING_CONFIRMED, booking)


def booking_cancelled(booking: Booking, *, refund: int) -> None:
    """The seats are free again, and the rules give back `refund` minor units; it is told again when that is made."""
    _about_booking(BOOKING_CANCELLED, booking, words={"refund": refund})


def slot_cancelled(booking: Booking) -> None:
    """Staff called the slot off; the refund in full is announced when it is made."""
    _about_booking(SLOT_CANCELLED, booking)


def slot_moved(booking: Booking, *, from_start: datetime) -> None:
    """Staff moved the slot; the customer may keep the booking, or cancel it and get everything back."""
    words = {"old_starts_at": from_start.isoformat()}
    _about_booking(SLOT_MOVED, booking, expires_at=booking.slot.starts_at, fact=_move_of(booking), words=words)


def booking_reminder(booking: Booking) -> None:
    """The slot starts soon; said again if it moves. Once it has started, the reminder is not sent any more."""
    _about_booking(BOOKING_REMINDER, booking, expires_at=booking.slot.starts_at, fact=_move_of(booking))


def withdraw_reminder(booking: Booking) -> None:
    """Cancel a reminder that waits to be sent; one that is being sent cannot be stopped."""
    about = outbox.messages_about([booking.reference])[booking.reference]
    outbox.cancel([message.pk for message in about if message.kind == BOOKING_REMINDER.name])


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
    """The gateway has given the money back. Said again only if it failed after that, and was made once more."""
    order = refund.payment.order
    outbox.publish(
        PAYMENT_REFUNDED.name,
        recipient=order.user,
        context={
            **_slot(order.slot, order.quantity),
            **_money(refund.amount, refund.payment.currency),
            "reason": refund.reason,
        },
        dedupe_key=f"refund:{refund.pk}:succeeded" + (f":{refund.refusals}" if refund.refusals else ""),
        reference=order.booking.reference if refund.is_of_a_booking else f"order:{order.pk}",
    )


def access_code(to: outbox.Address, *, purpose: str) -> int:
    """A code that proves an address, and what it is for; returns its ID. Raises InvalidContact, TooManyCodes."""
    kinds = {field: kind.name for field, kind in ACCESS_CODE.items()}
    return verification.send_code(to, kinds=kinds, context={"purpose": purpose})


def password_set(user: User) -> None:
    """The account has a new password: every address of it hears of that."""
    contact = outbox.contact_of(user)
    for field, kind in PASSWORD_SET.items():
        if getattr(contact, field):
            outbox.publish(kind.name, recipient=user, context={})


def facts_of(booking: Booking) -> dict[str, Any]:
    """What messages and documents say of a booking."""
    return {
        "booking": booking.pk,
        "name": booking.user.first_name,
        "paid_at": booking.payment.created_at.isoformat(),
        "calendar": event_of(booking),
        "check_in": check_in.link_of(booking),
        **_slot(booking.slot, booking.quantity),
        **_money(booking.payment.amount, booking.payment.currency),
    }


def _about_booking(
    kind: Kind,
    booking: Booking,
    *,
    expires_at: datetime | None = None,
    fact: str = "",
    words: Mapping[str, Any] | None = None,
) -> None:
    """`fact` tells apart what may happen to a booking more than once; `words` are added to the context."""
    outbox.publish(
        kind.name,
        recipient=booking.user,
        context={**facts_of(booking), **(words or {})},
        dedupe_key=f"{booking.reference}:{kind.name.removeprefix('booking.')}{fact}",
        reference=booking.reference,
        expires_at=expires_at,
    )


def _move_of(booking: Booking) -> str:
    """The slot's last move, in a dedupe key; nothing if it has not moved."""
    return f":{booking.moved_at.isoformat()}" if booking.moved_at else ""


def _slot(slot: Slot, quantity: int) -> dict[str, Any]:
    return {
        "title": slot.title,
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "time_zone": slot.zone,
        "place": slot.place,
        "map_url": slot.map_url,
        "quantity": quantity,
    }


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}
