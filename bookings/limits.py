"""Limits on what one customer may cause: open orders, held seats, orders never paid, bookings and cancellations.

They keep a customer from holding a slot's seats for ever, and from having messages sent without end by booking and
cancelling in a loop. A customer's row is locked while their orders are counted, so that requests side by side count
each other. The settings CUSTOMER_… have the numbers; 0: no limit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model

from bookings.errors import LimitReached, TooManySeats
from bookings.models import Booking, Order

DAY = timedelta(days=1)
UNPAID = (Order.Status.OPEN, Order.Status.LAPSED)


def check_order(*, user_id: int, slot_id: int, quantity: int, now: datetime) -> None:
    """Within the transaction that opens the order, before its seats are taken. Raises LimitReached, TooManySeats."""
    _lock(user_id)
    recent = list(Order.objects.filter(user_id=user_id, created_at__gt=now - DAY).order_by("created_at"))
    held = [order for order in recent if order.status == Order.Status.OPEN and order.hold_expires_at > now]
    _check_holds(held, slot_id=slot_id, quantity=quantity, now=now)
    unpaid = [order for order in recent if order.status in UNPAID]
    of_slot = [order for order in unpaid if order.slot_id == slot_id]
    _check_day(of_slot, settings.CUSTOMER_UNPAID_ORDERS_OF_SLOT, "too_many_unpaid_orders", now=now)
    _check_day(unpaid, settings.CUSTOMER_UNPAID_ORDERS_PER_DAY, "too_many_unpaid_orders", now=now)
    booked = [order for order in recent if order in held or order.status not in UNPAID]
    _check_day(booked, settings.CUSTOMER_BOOKINGS_PER_DAY, "too_many_bookings", now=now)


def check_cancellation(*, user_id: int, now: datetime) -> None:
    """Within the transaction that cancels, before the booking is locked. Raises LimitReached.

    Bookings of slots that staff called off do not count.
    """
    most = settings.CUSTOMER_CANCELLATIONS_PER_DAY
    if not most:
        return
    _lock(user_id)
    own = Booking.objects.filter(user_id=user_id, cancelled_at__gt=now - DAY, slot__cancelled_at=None)
    moments = list(own.order_by("cancelled_at").values_list("cancelled_at", flat=True))
    if len(moments) >= most:
        raise LimitReached("too_many_cancellations", retry_after=_seconds(moments[-most] + DAY - now))


def _lock(user_id: int) -> None:
    """The customer's row is locked before all others: before a booking, an order and a slot."""
    get_user_model().objects.select_for_update(no_key=True).only("pk").get(pk=user_id)


def _check_holds(held: Sequence[Order], *, slot_id: int, quantity: int, now: datetime) -> None:
    most_orders, most_seats = settings.CUSTOMER_OPEN_ORDERS, settings.CUSTOMER_HELD_SEATS
    if most_orders and len(held) >= most_orders:
        raise LimitReached("too_many_open_orders", retry_after=_until_one_ends(held, now=now))
    if most_seats and quantity > most_seats:
        raise TooManySeats(most_seats)
    of_slot = [order for order in held if order.slot_id == slot_id]
    if most_seats and sum(order.quantity for order in of_slot) + quantity > most_seats:
        raise LimitReached("too_many_held_seats", retry_after=_until_one_ends(of_slot, now=now))


def _check_day(orders: Sequence[Order], most: int, code: str, *, now: datetime) -> None:
    """Refuse if `orders`, of the last day and oldest first, are `most` or more."""
    if most and len(orders) >= most:
        raise LimitReached(code, retry_after=_seconds(orders[-most].created_at + DAY - now))


def _until_one_ends(held: Sequence[Order], *, now: datetime) -> int:
    return _seconds(min(order.hold_expires_at for order in held) - now)


def _seconds(wait: timedelta) -> int:
    return max(1, int(wait.total_seconds()) + 1)
