"""G2 from three sides at once: client, webhook and sweep tell of the same payment, and one booking comes of it.

Each round has a barrier of its own; the gateway is a process, and its webhook goes through the web. RACE_ROUNDS=1000
makes a campaign of it.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from bookings import orders, reconciliation, refunds, verification
from bookings.models import MOST_QUANTITY, Booking, Order, Payment, PaymentEvent, Refund, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.guarantees.test_g2_one_payment_one_booking import at_once
from tests.stage.gateway import GatewayProcess

ROUNDS = int(os.environ.get("RACE_ROUNDS", "20"))
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120 + 5 * ROUNDS)]

Receipt = dict[str, str]


@pytest.fixture
def sides(live_server: LiveServer, payment_gateway: GatewayProcess) -> Callable[..., list[Callable[[], Any]]]:
    """The three sides that tell of one payment, each twice, in any order."""
    url = f"{live_server.url}/webhooks/payments/sandbox/"

    def of(order: Order, receipt: Receipt) -> list[Callable[[], Any]]:
        def client() -> Any:
            return verification.verify(user=order.user, **receipt)

        def webhook() -> int:
            return payment_gateway.tell(receipt["payment_id"], url=url)

        def swept(*, minutes: int) -> reconciliation.Swept:  # due at both, and before any hold has lapsed
            return reconciliation.run(now=timezone.now() + timedelta(minutes=minutes))

        calls = [client, webhook, partial(swept, minutes=5), client, webhook, partial(swept, minutes=12)]
        random.shuffle(calls)
        return calls

    return of


def test_the_three_sides_at_once_make_one_booking_twenty_times(
    sides: Callable[..., list[Callable[[], Any]]], payment_gateway: GatewayProcess
) -> None:
    customer, slot = CustomerFactory(), SlotFactory(capacity=ROUNDS)
    makers: Counter[str] = Counter()
    for round_ in range(1, ROUNDS + 1):
        order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
        answers = at_once(*sides(order, payment_gateway.pay(order.gateway_order_id)))
        by_client = [answer for answer in answers if isinstance(answer, verification.Verified)]
        assert len(by_client) == 2, answers
        assert answers.count(200) == 2, answers
        assert len({answer.booking.pk for answer in by_client}) == 1
        made_by = ["client"] * sum(answer.is_new for answer in by_client)
        made_by += ["sweep"] * sum(answer.booked for answer in answers if isinstance(answer, reconciliation.Swept))
        assert len(made_by) <= 1
        makers[made_by[0] if made_by else "webhook"] += 1
        assert (Booking.objects.count(), Payment.objects.count()) == (round_, round_)
        assert PaymentEvent.objects.count() == round_
    assert (OutboxMessage.objects.count(), Refund.objects.count()) == (3 * ROUNDS, 0)
    assert Slot.objects.get().seats_taken == ROUNDS
    print(f"made by: {dict(makers)}")


def test_each_paid_order_ends_as_booking_or_refund_whoever_tells_of_it(
    sides: Callable[..., list[Callable[[], Any]]], payment_gateway: GatewayProcess
) -> None:
    """Lapsed holds, seats for half of them, some orders paid twice; three sides tell of every payment."""
    slot = SlotFactory(capacity=ROUNDS)
    opened = [orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1) for _ in range(ROUNDS)]
    receipts = [(order, payment_gateway.pay(order.gateway_order_id)) for order in opened]
    receipts += [(order, payment_gateway.pay(order.gateway_order_id)) for order in opened[::4]]
    Order.objects.update(hold_expires_at=timezone.now())
    others = [min(MOST_QUANTITY, ROUNDS // 2 - first) for first in range(0, ROUNDS // 2, MOST_QUANTITY)]
    for quantity in others:
        orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=quantity)
    for order, receipt in receipts:
        at_once(*sides(order, receipt))
    assert Payment.objects.count() == len(receipts)
    outcomes = Payment.objects.annotate(ends=Count("booking") + Count("refund")).values_list("ends", flat=True)
    assert set(outcomes) == {1}
    assert (Booking.objects.count(), Slot.objects.get().seats_taken) == (ROUNDS // 2, ROUNDS)
    refunds.execute_due(limit=len(receipts))
    given_back = {each["payment_id"] for each in payment_gateway.refunds()}
    assert set(Refund.objects.values_list("payment__payment_id", flat=True)) <= given_back


@pytest.mark.parametrize("teller", ["webhook", "sweep"])
def test_two_payments_of_one_order_from_two_sides_make_a_booking_and_a_refund(
    teller: str, live_server: LiveServer, payment_gateway: GatewayProcess
) -> None:
    url = f"{live_server.url}/webhooks/payments/sandbox/"
    for round_ in range(1, 6):
        order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
        first, second = (payment_gateway.pay(order.gateway_order_id) for _ in range(2))
        tells: dict[str, Callable[[], Any]] = {
            "webhook": lambda payment=second: payment_gateway.tell(payment["payment_id"], url=url),
            "sweep": reconciliation.run,
        }
        at_once(lambda order=order, first=first: verification.verify(user=order.user, **first), tells[teller])
        payment_gateway.tell(second["payment_id"], url=url)  # a sweep does not look at booked orders: the webhook does
        assert (Booking.objects.count(), Refund.objects.count(), Payment.objects.count()) == (
            round_,
            round_,
            2 * round_,
        )
