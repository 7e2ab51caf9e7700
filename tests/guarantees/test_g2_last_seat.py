"""G2 before the payment: the last seat goes to exactly one of fifty who want it at once, and nobody pays for nothing.

RACE_ROUNDS=1000 makes a campaign of it.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bookings import orders, refunds, verification
from bookings.errors import NotEnoughSeats, SoldOut
from bookings.models import Booking, Order, Payment, Refund, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess

ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
CROWD = 50
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120 + 5 * ROUNDS)]


@pytest.fixture
def at_once() -> Iterator[Callable[[Callable[[Any], Any], list[Any]], list[Any]]]:
    """Calls something with each of fifty at the same moment; threads and their connections are kept between rounds."""
    barrier = threading.Barrier(CROWD)

    def run(call: Callable[[Any], Any], what: Any) -> Any:
        barrier.wait(timeout=60)
        try:
            return call(what)
        except (NotEnoughSeats, SoldOut) as refusal:
            return refusal.code

    def leave(_: int) -> None:
        barrier.wait(timeout=60)
        connection.close()

    with ThreadPoolExecutor(CROWD) as pool:
        yield lambda call, each: list(pool.map(lambda what: run(call, what), each))
        list(pool.map(leave, range(CROWD)))


def test_the_last_seat_goes_to_exactly_one_of_fifty(
    payment_gateway: GatewayProcess, at_once: Callable[..., list[Any]]
) -> None:
    """A hold that has lapsed keeps it, so that all fifty must find it free; the one who gets it pays and is booked, and
    the one whose hold it was pays as well, too late."""
    customers, late = CustomerFactory.create_batch(CROWD), CustomerFactory()
    for number in range(1, ROUNDS + 1):
        slot = SlotFactory(capacity=1)
        lapsed = orders.open_order(user=late, slot_id=slot.pk, quantity=1)
        Order.objects.filter(pk=lapsed.pk).update(hold_expires_at=timezone.now() - timedelta(seconds=1))
        answers = at_once(lambda user, slot=slot: orders.open_order(user=user, slot_id=slot.pk, quantity=1), customers)
        assert sorted(str(answer) for answer in answers if answer != "not_enough_seats") == [str(winner_of(slot))]
        winner = winner_of(slot)
        claims = [(winner.user, payment_gateway.pay(winner.gateway_order_id))] * (CROWD // 2)
        claims += [(late, payment_gateway.pay(lapsed.gateway_order_id))] * (CROWD // 2)
        outcomes = at_once(lambda claim: verification.verify(user=claim[0], **claim[1]), claims)
        assert outcomes.count("sold_out") == CROWD // 2
        assert sum(isinstance(outcome, verification.Verified) and outcome.is_new for outcome in outcomes) == 1
        slot.refresh_from_db()
        assert slot.seats_taken == 1
        assert (Booking.objects.count(), Payment.objects.count(), Refund.objects.count()) == (
            number,
            2 * number,
            number,
        )
        assert refunds.execute_due() == (1, 0)
    assert OutboxMessage.objects.filter(kind="booking.confirmed").count() == 3 * ROUNDS
    assert not Slot.objects.exclude(seats_taken=1).exists()
    print(f"{ROUNDS} rounds: {ROUNDS} booked, {ROUNDS} refunded, of {CROWD} at once")


def winner_of(slot: Slot) -> Order:
    return Order.objects.select_related("user").get(slot=slot, status=Order.Status.OPEN)
