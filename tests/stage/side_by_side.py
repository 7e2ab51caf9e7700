"""The same call by several threads at the same moment, and the bookings that they meet."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from bookings import orders, verification
from bookings.models import Booking, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory
from tests.stage.gateway import GatewayProcess


def at_once(call: Any, times: int = 8) -> list[Any]:
    barrier = threading.Barrier(times)

    def run(_: int) -> Any:
        try:
            barrier.wait(timeout=20)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def booked(gateway: GatewayProcess, *, slot: Slot, customer: Any = None, quantity: int = 1) -> Booking:
    customer = customer or CustomerFactory()
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=quantity)
    return verification.verify(user=customer, **gateway.pay(order.gateway_order_id)).booking


def messages(kind: str) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=kind).order_by("id"))
