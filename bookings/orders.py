"""Orders: seats held for a while, and the gateway's order to pay for them.

Lock order everywhere: an order, then its slot, then recipients. Lapsed orders are locked after their slot, and only
where nobody else holds them, so that no circle can form.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from bookings.errors import GatewayUnavailable, NotEnoughSeats, SlotHasStarted
from bookings.gateways import gateway
from bookings.models import Order, Slot
from bookings.retrying import in_transaction


def open_order(*, user: AbstractBaseUser, slot_id: int, quantity: int, now: datetime | None = None) -> Order:
    """Hold `quantity` seats of the slot, and ask the gateway for an order over their price.

    Raises NotEnoughSeats, SlotHasStarted, GatewayUnavailable, with nothing written; Slot.DoesNotExist.
    """
    opened_at = now or timezone.now()
    order = in_transaction(lambda: _hold_seats(user, slot_id=slot_id, quantity=quantity, now=opened_at))
    try:
        opened = gateway().create_order(reference=f"order:{order.pk}", amount=order.amount, currency=order.currency)
    except GatewayUnavailable:
        in_transaction(lambda: _forget(order))
        raise
    order.gateway_order_id = opened.order_id
    order.save(update_fields=["gateway_order_id"])
    return order


def release_lapsed_holds(slot: Slot, *, now: datetime) -> int:
    """Free the seats of the slot's open orders whose hold has ended, within a transaction; returns how many seats."""
    lapsed = slot.orders.filter(status=Order.Status.OPEN, hold_expires_at__lte=now)
    seats = 0
    for order in lapsed.select_for_update(skip_locked=True, no_key=True):
        order.becomes(Order.Status.LAPSED)
        seats += order.quantity
    if seats:
        slot.free_seats(seats)
    return seats


def take_seats(slot: Slot, quantity: int, *, now: datetime) -> bool:
    """Take the seats within a transaction, those of lapsed holds included; False if there are not enough."""
    if slot.take_seats(quantity):
        return True
    Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)  # before its lapsed orders: see the lock order above
    return release_lapsed_holds(slot, now=now) > 0 and slot.take_seats(quantity)


def _hold_seats(user: AbstractBaseUser, *, slot_id: int, quantity: int, now: datetime) -> Order:
    slot = Slot.objects.get(pk=slot_id)
    if slot.starts_at <= now:
        raise SlotHasStarted
    if not take_seats(slot, quantity, now=now):
        raise NotEnoughSeats(slot.seats_left)
    return Order.objects.create(
        user_id=user.pk,
        slot=slot,
        quantity=quantity,
        amount=slot.price * quantity,
        currency=slot.currency,
        hold_expires_at=now + timedelta(seconds=settings.ORDER_HOLD_SECONDS),
        gateway=gateway().name,
    )


def _forget(order: Order) -> None:
    """Undo an order that the gateway never heard of, unless its hold has lapsed meanwhile and was released."""
    still_open = Order.objects.select_for_update(no_key=True).filter(pk=order.pk, status=Order.Status.OPEN).first()
    if still_open is not None:
        still_open.delete()
        order.slot.free_seats(order.quantity)
