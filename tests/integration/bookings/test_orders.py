"""Orders: seats that are held are given back once, whatever happens to the order at the same moment."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from bookings import orders, verification
from bookings.errors import GatewayUnavailable, SlotHasStarted
from bookings.models import Order, Slot
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.locks import waiting_for_a_lock
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def while_the_gateway_is_asked(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], None]:
    """Has something happen between the hold and the gateway's answer, which does not come: the gateway is down."""

    def happens(event: Callable[[], object]) -> None:
        ask = orders.gateway("sandbox").create_order

        def create_order(**wish: Any) -> Any:
            event()
            return ask(**wish)

        monkeypatch.setattr(orders.gateway("sandbox"), "create_order", create_order)
        payment_gateway.is_in_the_mood(down=True)

    return happens


class TestAnOrderFailsWhileItsHoldLapses:
    """Its seats are given back by the one or by the other: twice would be seats that others have paid for."""

    @pytest.fixture
    def slot(self, payment_gateway: GatewayProcess) -> Slot:
        slot = SlotFactory(capacity=10)
        orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=5)  # of somebody else
        return slot

    def test_the_lapse_comes_first(
        self, slot: Slot, settings: Settings, while_the_gateway_is_asked: Callable[[Callable[[], object]], None]
    ) -> None:
        def lapse() -> None:
            latest = Order.objects.latest("pk")
            Order.objects.filter(pk=latest.pk).update(hold_expires_at=latest.created_at)
            assert orders.release_all_lapsed_holds() == 3

        while_the_gateway_is_asked(lapse)
        with pytest.raises(GatewayUnavailable):
            orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=3)
        slot.refresh_from_db()
        assert slot.seats_taken == 5
        assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == ["open", "lapsed"]

    def test_both_come_at_once(
        self, slot: Slot, while_the_gateway_is_asked: Callable[[Callable[[], object]], None]
    ) -> None:
        """The failing order waits for the lapse's transaction, and then sees what it has done."""
        has_lapsed = threading.Event()

        def lapse() -> None:
            latest = Order.objects.latest("pk")
            try:
                with transaction.atomic():
                    locked = Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)
                    assert orders.release_lapsed_holds(locked, now=latest.hold_expires_at) == 8
                    has_lapsed.set()
                    wait_until(waiting_for_a_lock)
            finally:
                connection.close()

        lapsing = threading.Thread(target=lapse)

        def begin_to_lapse() -> None:
            lapsing.start()
            assert has_lapsed.wait(20)

        while_the_gateway_is_asked(begin_to_lapse)
        with pytest.raises(GatewayUnavailable):
            orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=3)
        lapsing.join(20)
        slot.refresh_from_db()
        assert slot.seats_taken == 0
        assert Order.objects.filter(status="lapsed").count() == 2


def test_an_order_whose_payment_is_being_written_does_not_lapse_and_is_not_waited_for(
    payment_gateway: GatewayProcess,
) -> None:
    """Its hold has ended, and its booking is not committed yet: seats freed now would be sold twice."""
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    freed: list[int] = []

    def lapse() -> None:
        try:
            freed.append(orders.release_all_lapsed_holds(now=order.hold_expires_at))
        finally:
            connection.close()

    lapsing = threading.Thread(target=lapse)
    with transaction.atomic():
        verification.lock(order)
        order.becomes(Order.Status.BOOKED)
        lapsing.start()
        wait_until(lambda: not lapsing.is_alive() or waiting_for_a_lock())
        has_waited = lapsing.is_alive()
    lapsing.join(20)
    order.refresh_from_db()
    assert (freed, has_waited) == ([0], False)
    assert (order.status, Slot.objects.get().seats_taken) == ("booked", 1)


class TestAnOrderThatStillWaitsForTheGateway:
    """Its process died, or has not answered yet; another order is none of its business."""

    @pytest.fixture
    def waiting(self, payment_gateway: GatewayProcess) -> Order:
        order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
        Order.objects.update(gateway_order_id="")
        return order

    def test_is_not_given_anothers_answer(self, waiting: Order) -> None:
        orders.open_order(user=CustomerFactory(), slot_id=waiting.slot_id, quantity=1)
        waiting.refresh_from_db()
        assert waiting.gateway_order_id == ""

    def test_is_not_forgotten_with_another(self, waiting: Order, payment_gateway: GatewayProcess) -> None:
        payment_gateway.is_in_the_mood(down=True)
        with pytest.raises(GatewayUnavailable):
            orders.open_order(user=CustomerFactory(), slot_id=waiting.slot_id, quantity=2)
        assert list(Order.objects.values_list("pk", flat=True)) == [waiting.pk]
        assert Slot.objects.get().seats_taken == 1


def test_of_two_answers_for_one_order_the_later_is_not_handed_to_the_customer(payment_gateway: GatewayProcess) -> None:
    """Its payment would be one of an order that nobody knows."""
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    assert order.checkout is not None
    late = orders._at_the_gateway(order)
    assert (late.gateway_order_id, late.checkout) == (order.gateway_order_id, None)


@pytest.mark.parametrize(("before", "is_taken"), [(timedelta(0), False), (timedelta(microseconds=1), True)])
def test_an_order_is_taken_until_its_slot_starts(
    payment_gateway: GatewayProcess, before: timedelta, is_taken: bool
) -> None:
    slot = SlotFactory()
    if is_taken:
        orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1, now=slot.starts_at - before)
    else:
        with pytest.raises(SlotHasStarted):
            orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1, now=slot.starts_at - before)
    assert Order.objects.exists() is is_taken


def test_orders_without_a_key_are_never_one_order(payment_gateway: GatewayProcess) -> None:
    customer, slot = CustomerFactory(), SlotFactory()
    orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    assert orders.made_before(user=customer, slot_id=slot.pk, quantity=1, idempotency_key="") is None
