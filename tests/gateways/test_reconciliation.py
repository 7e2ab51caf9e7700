"""The sweep finds what nobody told of, asks no more than it must, and shares its work."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from bookings import orders, reconciliation, verification
from bookings.models import Booking, Order, Payment, Refund
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.gateways.conftest import Stage
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)


def an_order(*, slot_id: int | None = None) -> Order:
    return orders.open_order(user=CustomerFactory(), slot_id=slot_id or SlotFactory().pk, quantity=1)


def test_an_order_that_was_paid_and_never_heard_of_is_booked(full_stage: Stage, settings: Settings) -> None:
    settings.PAYMENT_GATEWAY = full_stage.name
    order, unpaid = an_order(), an_order()
    receipt = full_stage.pay(order.gateway_order_id)
    assert str(reconciliation.run()) == "2 orders: 1 booked, 0 to refund, 0 unanswered"
    assert Booking.objects.get().payment.payment_id == receipt["payment_id"]
    unpaid.refresh_from_db()
    assert unpaid.status == Order.Status.OPEN
    assert not verification.verify(user=order.user, **receipt).is_new


def test_swept_again_nothing_changes(payment_gateway: GatewayProcess) -> None:
    order = an_order()
    payment_gateway.pay(order.gateway_order_id)
    reconciliation.run()
    again = reconciliation.run(now=timezone.now() + timedelta(hours=1))
    assert (again.orders, Booking.objects.count(), OutboxMessage.objects.count()) == (0, 1, 3)


def test_a_lapsed_order_that_was_paid_is_booked_or_refunded(payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory(capacity=1)
    first = an_order(slot_id=slot.pk)
    payment_gateway.pay(first.gateway_order_id)
    Order.objects.update(hold_expires_at=timezone.now())
    assert orders.release_all_lapsed_holds() == 1
    second = an_order(slot_id=slot.pk)
    payment_gateway.pay(second.gateway_order_id)
    swept = reconciliation.run()
    assert (swept.booked, swept.refunded) == (1, 1)
    assert (Booking.objects.get().order, Refund.objects.get().payment.order) == (second, first)


def test_two_payments_of_one_order_become_a_booking_and_a_refund(payment_gateway: GatewayProcess) -> None:
    order = an_order()
    for _ in range(2):
        payment_gateway.pay(order.gateway_order_id)
    swept = reconciliation.run()
    assert (swept.booked, swept.refunded, Payment.objects.count()) == (1, 1, 2)


def test_an_unpaid_order_is_looked_at_a_dozen_times_and_no_more(payment_gateway: GatewayProcess) -> None:
    opened_at, looks = an_order().created_at, []
    for minutes in range(0, 14 * 24 * 60, 5):
        now = opened_at + timedelta(minutes=minutes)
        if reconciliation.run(now=now).orders:
            looks.append(minutes)
    assert looks[:4] == [0, 5, 10, 20]
    assert 10 <= len(looks) <= 14
    assert looks[-1] >= 6 * 24 * 60
    assert Order.objects.get().sweep_at is None


def test_a_payment_made_between_two_looks_is_found_at_the_next(payment_gateway: GatewayProcess) -> None:
    order = an_order()
    assert reconciliation.run().booked == 0
    payment_gateway.pay(order.gateway_order_id)
    assert reconciliation.run(now=timezone.now() + timedelta(minutes=2)).booked == 1


@pytest.mark.parametrize("wishes", [{"state": "failed"}, {"state": "authorized"}, {"amount": 1}, {"currency": "USD"}])
def test_what_does_not_pay_for_the_order_books_nothing(payment_gateway: GatewayProcess, wishes: dict) -> None:
    payment_gateway.pay(an_order().gateway_order_id, **wishes)
    swept = reconciliation.run()
    assert (swept.orders, swept.booked, swept.refunded) == (1, 0, 0)
    is_kept = wishes.keys() & {"amount", "currency"}
    assert list(Payment.objects.values_list("decision", flat=True)) == (["wanted"] if is_kept else [])
    assert OutboxMessage.objects.count() == 0


def test_a_gateway_that_is_down_is_left_alone_and_asked_soon(payment_gateway: GatewayProcess) -> None:
    for _ in range(5):
        payment_gateway.pay(an_order().gateway_order_id)
    payment_gateway.is_in_the_mood(down=True)
    swept = reconciliation.run()
    assert (swept.orders, swept.unanswered) == (3, 3)
    payment_gateway.is_in_the_mood()
    assert reconciliation.run(now=timezone.now() + timedelta(minutes=1)).booked == 5


def test_an_old_order_is_asked_about_soon_after_an_outage(payment_gateway: GatewayProcess) -> None:
    """Not at twice its age."""
    payment_gateway.pay(an_order().gateway_order_id)
    Order.objects.update(created_at=timezone.now() - timedelta(hours=10))
    payment_gateway.is_in_the_mood(down=True)
    assert reconciliation.run().unanswered == 1
    payment_gateway.is_in_the_mood()
    assert reconciliation.run(now=timezone.now() + timedelta(minutes=2)).booked == 1


def test_a_run_ends_in_time_although_the_gateway_is_slow(payment_gateway: GatewayProcess) -> None:
    for _ in range(3):
        an_order()
    ticks = iter(range(0, 1000, 100))
    assert reconciliation.run(clock=lambda: next(ticks)).orders == 1


def test_at_most_so_many_orders_are_looked_at(payment_gateway: GatewayProcess) -> None:
    for _ in range(3):
        an_order()
    assert [
        reconciliation.run(limit=2).orders,
        reconciliation.run(limit=2).orders,
        reconciliation.run(limit=2).orders,
    ] == [2, 1, 0]


def test_sweeps_side_by_side_share_the_orders(payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory(capacity=40)
    for _ in range(40):
        payment_gateway.pay(an_order(slot_id=slot.pk).gateway_order_id)

    def run(_: int) -> reconciliation.Swept:
        try:
            return reconciliation.run()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        swept = list(pool.map(run, range(4)))
    assert (sum(each.orders for each in swept), sum(each.booked for each in swept)) == (40, 40)
    assert (Booking.objects.count(), Payment.objects.count()) == (40, 40)


def test_an_order_of_a_gateway_that_is_gone_stops_nothing(payment_gateway: GatewayProcess) -> None:
    gone, order = an_order(), an_order()
    Order.objects.filter(pk=gone.pk).update(gateway="paypal")
    payment_gateway.pay(order.gateway_order_id)
    assert reconciliation.run().booked == 1


def test_an_order_is_swept_at_the_gateway_where_it_was_opened(
    payment_gateway: GatewayProcess, razorpay_stage: Stage, settings: Settings
) -> None:
    settings.PAYMENT_GATEWAY = "sandbox"
    order = an_order()
    payment_gateway.pay(order.gateway_order_id)
    settings.PAYMENT_GATEWAY = "razorpay"
    assert reconciliation.run().booked == 1


def test_the_command_says_what_it_did(payment_gateway: GatewayProcess) -> None:
    payment_gateway.pay(an_order().gateway_order_id)
    out = StringIO()
    call_command("sweep_payments", stdout=out)
    assert out.getvalue() == "Looked at 1 orders: 1 booked, 0 to refund, 0 unanswered.\n"
    with pytest.raises(CommandError, match="at least 1"):
        call_command("sweep_payments", "--limit", "0")
