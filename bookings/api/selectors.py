"""The API's reads."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone

from bookings.models import Booking, Slot
from notifications import outbox


def slots() -> QuerySet[Slot]:
    """Every published slot that can be booked, the earliest first. Seats of lapsed holds count as free."""
    offered = Slot.objects.filter(cancelled_at=None, is_published=True)
    return offered.with_lapsed_seats(now=timezone.now()).order_by("starts_at", "id")


def bookings_of(user: AbstractBaseUser) -> QuerySet[Booking]:
    """The user's bookings, the latest first, with everything that an answer shows except the messages."""
    owned = Booking.objects.filter(user_id=user.pk)
    return owned.select_related("slot", "order", "payment__refund").order_by("-id")


def messages_about(bookings: Iterable[Booking]) -> dict[str, list[Any]]:
    """The messages about each booking, by its reference, oldest first."""
    return outbox.messages_about([booking.reference for booking in bookings])
