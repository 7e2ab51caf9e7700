"""G2: one payment, however often and from however many sides at once it is verified, makes one booking."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bookings import orders, verification
from bookings.errors import OrderAlreadyPaid, SoldOut
from bookings.models import Booking, Order, Payment, Refund, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each of `calls` answered, or raised, when all began at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=20)
            return call()
        except Exception as error:  # noqa: BLE001  (what it raised is its answer)
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_ten_verifications_at_once_make_one_booking(payment_gateway: GatewayProcess) -> None:
    customer, slot = CustomerFactory(), SlotFactory()
    for _ in range(5):
        order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
        receipt = payment_gateway.pay(order.gateway_order_id)
        answers = at_once(*[lambda receipt=receipt: verification.verify(user=customer, **receipt)] * 10)
        assert Counter(answer.is_new for answer in answers) == {True: 1, False: 9}
        assert len({answer.booking.pk for answer in answers}) == 1
    assert (Booking.objects.count(), Payment.objects.count(), OutboxMessage.objects.count()) == (5, 5, 15)


def test_two_payments_of_one_order_at_once_make_one_booking_and_one_refund(payment_gateway: GatewayProcess) -> None:
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    receipts = [payment_gateway.pay(order.gateway_order_id) for _ in range(2)]
    calls = [lambda receipt=receipt: verification.verify(user=customer, **receipt) for receipt in receipts]
    answers = at_once(*calls)
    assert sorted(type(answer).__name__ for answer in answers) == ["OrderAlreadyPaid", "Verified"]
    assert (Booking.objects.count(), Payment.objects.count(), Refund.objects.count()) == (1, 2, 1)
    again = at_once(*calls)
    assert sorted(type(answer).__name__ for answer in again) == ["OrderAlreadyPaid", "Verified"]
    assert (Booking.objects.count(), Payment.objects.count(), Refund.objects.count()) == (1, 2, 1)


def test_the_last_seat_goes_to_exactly_one_of_twenty(payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory(capacity=1)
    customers = [CustomerFactory() for _ in range(20)]
    answers = at_once(
        *[lambda user=user: orders.open_order(user=user, slot_id=slot.pk, quantity=1) for user in customers]
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Order": 1, "NotEnoughSeats": 19}
    assert Slot.objects.get().seats_taken == 1


def test_late_payments_share_the_seats_that_are_left_and_the_rest_is_refunded(payment_gateway: GatewayProcess) -> None:
    """Ten holds lapse and others take seven of the ten seats: three late payments still get one, seven do not."""
    slot = SlotFactory(capacity=10)
    late = [
        (user, orders.open_order(user=user, slot_id=slot.pk, quantity=1)) for user in CustomerFactory.create_batch(10)
    ]
    receipts = [(user, payment_gateway.pay(order.gateway_order_id)) for user, order in late]
    Order.objects.update(hold_expires_at=timezone.now() - timedelta(seconds=1))
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=7)
    answers = at_once(
        *[lambda user=user, receipt=receipt: verification.verify(user=user, **receipt) for user, receipt in receipts]
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Verified": 3, "SoldOut": 7}
    assert (Booking.objects.count(), Payment.objects.count(), Refund.objects.count()) == (3, 10, 7)
    assert Slot.objects.get().seats_taken == 10


def test_a_late_payment_takes_its_seats_again_if_they_are_free(payment_gateway: GatewayProcess) -> None:
    slot, customer = SlotFactory(capacity=2), CustomerFactory()
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=2)
    receipt = payment_gateway.pay(order.gateway_order_id)
    with transaction.atomic():
        assert orders.release_lapsed_holds(slot, now=order.hold_expires_at) == 2
    assert verification.verify(user=customer, **receipt).is_new
    assert Slot.objects.get().seats_taken == 2


def test_a_sold_out_payment_gets_the_same_answer_again(payment_gateway: GatewayProcess) -> None:
    slot, customer = SlotFactory(capacity=1), CustomerFactory()
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    receipt = payment_gateway.pay(order.gateway_order_id)
    Order.objects.update(hold_expires_at=timezone.now())
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    for _ in range(2):
        with pytest.raises(SoldOut):
            verification.verify(user=customer, **receipt)
    assert Refund.objects.get().reason == "sold_out"
    order.refresh_from_db()
    assert order.status == Order.Status.SOLD_OUT


def test_the_database_refuses_overselling_and_double_booking(payment_gateway: GatewayProcess) -> None:
    slot, customer = SlotFactory(capacity=1), CustomerFactory()
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    other = Order.objects.create(
        user=customer,
        slot=slot,
        quantity=1,
        amount=1,
        currency="EUR",
        hold_expires_at=timezone.now(),
        gateway="sandbox",
        gateway_order_id="another",
    )
    booking = verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id)).booking
    same = {"user": customer, "slot": slot, "quantity": 1}
    payment = {"gateway": "sandbox", "payment_id": booking.payment.payment_id, "amount": 1, "currency": "EUR"}
    for breaks, constraint in (
        (lambda: Slot.objects.update(seats_taken=2), "slot_is_not_oversold"),
        (lambda: Booking.objects.create(order=other, payment=booking.payment, **same), "payment_id"),
        (lambda: Booking.objects.create(order=order, payment=booking.payment, **same), "order_id"),
        (lambda: Payment.objects.create(order=other, **payment), "payment_is_recorded_once"),
        (lambda: Order.objects.filter(pk=other.pk).update(quantity=0), "order_quantity_is_sane"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            breaks()


def test_a_refund_is_requested_once_per_payment(payment_gateway: GatewayProcess) -> None:
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    first, second = (payment_gateway.pay(order.gateway_order_id) for _ in range(2))
    verification.verify(user=customer, **first)
    answers = at_once(*[lambda: verification.verify(user=customer, **second)] * 8)
    assert {type(answer) for answer in answers} == {OrderAlreadyPaid}
    assert Refund.objects.count() == 1
