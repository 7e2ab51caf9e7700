"""Whether a slot's `seats_taken` is what its orders hold, and how to put it right.

An order holds seats while it is open, and once it is booked until its booking is cancelled. Every change of an order
changes the slot in the same transaction. So one look at both agrees, unless something wrote past the code.
"""

from dataclasses import dataclass
from functools import partial
from typing import Self

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from bookings.models import Booking, Order, Slot
from bookings.transactions import in_transaction

HOLDING = Q(status=Order.Status.OPEN) | Q(status=Order.Status.BOOKED, booking__status=Booking.Status.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A slot whose count is wrong. `held` is the truth; above the capacity nothing can write it."""

    slot_id: int
    taken: int
    held: int
    capacity: int

    @property
    def is_oversold(self) -> bool:
        return self.held > self.capacity

    @classmethod
    def of(cls, slot: Slot) -> Self:
        """Of a slot from `_counted`."""
        return cls(slot.pk, slot.seats_taken, getattr(slot, "held"), slot.capacity)  # noqa: B009  (annotated)


def mismatches(slots: QuerySet[Slot] | None = None) -> list[Mismatch]:
    """The slots, among `slots` or all, whose `seats_taken` is not what orders hold."""
    counted = _counted(Slot.objects.all() if slots is None else slots)
    return [Mismatch.of(slot) for slot in counted.exclude(seats_taken=F("held")).order_by("pk")]


def repair(slot_id: int) -> Mismatch | None:
    """Write what the orders hold into the slot's count; None if it is right by now.

    One that is oversold keeps its count: only cancelled bookings or a larger capacity mend that.
    """
    return in_transaction(partial(_repair, slot_id))


def _repair(slot_id: int) -> Mismatch | None:
    Slot.objects.select_for_update(no_key=True).get(pk=slot_id)  # first, then read: whoever changed it has committed
    found = Mismatch.of(_counted(Slot.objects.filter(pk=slot_id)).get())
    if found.taken == found.held:
        return None
    if not found.is_oversold:
        Slot.objects.filter(pk=slot_id).update(seats_taken=found.held)
    return found


def _counted(slots: QuerySet[Slot]) -> QuerySet[Slot]:
    holding = Order.objects.filter(HOLDING, slot=OuterRef("pk")).order_by().values("slot")
    return slots.annotate(held=Coalesce(Subquery(holding.values(seats=Sum("quantity"))), 0))
