"""Orders: seats held for a while, and the gateway's order to pay for them.

Lock order everywhere: a customer, an order, then its slot, then recipients. Lapsed orders are locked after their slot,
and only where nobody else has locked them, so that no deadlock can form.
"""

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError
from django.utils import timezone

from bookings import limits
from bookings.errors import (
    BookingError,
    GatewayUnavailable,
    IdempotencyKeyReused,
    LimitReached,
    NotEnoughSeats,
    SlotHasStarted,
    SlotIsCancelled,
    SlotIsHidden,
)
from bookings.gateways import gateway
from bookings.models import Order, Slot
from bookings.setbacks import do_each, waiting
from bookings.transactions import in_transaction

REFUND_RULES = ("free_cancellation_hours", "late_refund_percent", "no_refund_hours")
HOLDS_JOB = "expire holds"
BATCH = 500  # lapsed orders to a transaction: their slot stays locked until its end


def open_order(
    *,
    user: AbstractBaseUser,
    slot_id: int,
    quantity: int,
    idempotency_key: str = "",
    now: datetime | None = None,
) -> Order:
    """Hold `quantity` seats of the slot, and ask the gateway for an order over their price.

    The same `idempotency_key` of the same user again makes nothing new: the answer is the order that it made.
    Raises NotEnoughSeats, SlotHasStarted, SlotIsCancelled, SlotIsHidden, TooManySeats, LimitReached,
    GatewayUnavailable, IdempotencyKeyReused, with nothing written; Slot.DoesNotExist.
    """
    opened_at = now or timezone.now()
    order = Order(user_id=user.pk, quantity=quantity, idempotency_key=idempotency_key, gateway=gateway().name)
    try:
        in_transaction(lambda: _hold_seats(order, slot_id=slot_id, now=opened_at))
    except (IntegrityError, LimitReached):  # the same key at the same moment
        made = made_before(user=user, slot_id=slot_id, quantity=quantity, idempotency_key=idempotency_key)
        if made is None:
            raise
        return made
    return _at_the_gateway(order)


def made_before(*, user: AbstractBaseUser, slot_id: int, quantity: int, idempotency_key: str) -> Order | None:
    """The order that the user's `idempotency_key` made, if it has made one.

    Raises IdempotencyKeyReused if that order is for something else; GatewayUnavailable.
    """
    made = Order.objects.filter(user_id=user.pk, idempotency_key=idempotency_key).first() if idempotency_key else None
    if made is None:
        return None
    if (made.slot_id, made.quantity) != (slot_id, quantity):
        raise IdempotencyKeyReused
    return made if made.gateway_order_id else _at_the_gateway(made)


def release_lapsed_holds(slot: Slot, *, now: datetime) -> int:
    """Free the seats of the slot's open orders whose hold has ended, within a transaction; returns how many seats."""
    lapsed = slot.orders.filter(status=Order.Status.OPEN, hold_expires_at__lte=now)
    held = dict(lapsed.select_for_update(skip_locked=True, no_key=True).values_list("pk", "quantity")[:BATCH])
    if not held:
        return 0
    Order.objects.filter(pk__in=held).update(status=Order.Status.LAPSED)
    slot.free_seats(sum(held.values()))
    return sum(held.values())


def release_all_lapsed_holds(*, now: datetime | None = None) -> int:
    """Free the seats of every lapsed hold, batch by batch; returns how many. Side by side, each seat is freed once.

    A slot that raises an error is passed over, and tried again later.
    """
    ended_at = now or timezone.now()
    lapsed = Order.objects.filter(status=Order.Status.OPEN, hold_expires_at__lte=ended_at)
    slots = lapsed.exclude(slot_id__in=waiting(HOLDS_JOB, now=ended_at))
    slot_ids = sorted(set(slots.values_list("slot_id", flat=True)))
    return sum(do_each(HOLDS_JOB, slot_ids, partial(_release_all, now=ended_at), now=ended_at))


def take_seats(slot: Slot, quantity: int, *, now: datetime) -> bool:
    """Take the seats within a transaction, those of lapsed holds included; False if there are not enough."""
    if slot.take_seats(quantity):
        return True
    return _release(slot.pk, now=now) > 0 and slot.take_seats(quantity)


def _release_all(slot_id: int, *, now: datetime) -> int:
    seats = 0
    while freed := in_transaction(partial(_release, slot_id, now=now)):
        seats += freed
    return seats


def _release(slot_id: int, *, now: datetime) -> int:
    """Lock the slot before its lapsed orders: see the lock order above."""
    slot = Slot.objects.select_for_update(no_key=True).get(pk=slot_id)
    return release_lapsed_holds(slot, now=now)


def _hold_seats(order: Order, *, slot_id: int, now: datetime) -> None:
    slot = Slot.objects.get(pk=slot_id)
    if slot.starts_at <= now:
        raise SlotHasStarted
    limits.check_order(user_id=order.user_id, slot_id=slot_id, quantity=order.quantity, now=now)
    if not take_seats(slot, order.quantity, now=now):
        slot.refresh_from_db()
        raise _why_none(slot)
    order.slot = slot
    order.amount, order.currency = slot.price * order.quantity, slot.currency
    order.starts_at = slot.starts_at
    for rule in REFUND_RULES:
        setattr(order, rule, getattr(slot, rule))
    order.hold_expires_at = now + timedelta(seconds=settings.ORDER_HOLD_SECONDS)
    order.pk = None  # of a try that was rolled back
    order.save(force_insert=True)


def _why_none(slot: Slot) -> BookingError:
    """Why no seats of the slot could be taken, by what it is now."""
    if slot.is_cancelled:
        return SlotIsCancelled()
    return NotEnoughSeats(slot.seats_left) if slot.is_published else SlotIsHidden()


def _at_the_gateway(order: Order) -> Order:
    """The order, once the gateway has made its own. If two requests ask at once, both use the first answer."""
    try:
        opened = gateway(order.gateway).create_order(
            reference=f"order:{order.pk}", amount=order.amount, currency=order.currency
        )
    except GatewayUnavailable:
        in_transaction(lambda: _forget(order))
        raise
    Order.objects.filter(pk=order.pk, gateway_order_id="").update(gateway_order_id=opened.order_id)
    current = Order.objects.select_related("slot").filter(pk=order.pk).first()
    if current is None:  # the other request got no answer and deleted the order
        raise GatewayUnavailable
    if current.gateway_order_id == opened.order_id:
        current.checkout = opened.checkout
    return current


def _forget(order: Order) -> None:
    """Undo an order that never reached the gateway, unless its hold has been released."""
    unknown = Order.objects.filter(pk=order.pk, status=Order.Status.OPEN, gateway_order_id="")
    still_open = unknown.select_for_update(no_key=True).first()
    if still_open is not None:
        still_open.delete()
        order.slot.free_seats(order.quantity)
