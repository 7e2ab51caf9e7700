"""A captured payment of another amount than its order's is on record and told to staff, who book or refund it."""

from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import override_script_prefix
from django.utils import timezone
from pytest_django import Settings

from bookings import decisions, orders, reconciliation, refunds, staff, verification
from bookings.errors import AlreadyDecided, AmountMismatch, NotEnoughSeats, OrderAlreadyPaid, SoldOut
from bookings.models import Booking, Order, Payment, Refund, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.stage.gateway import GatewayProcess
from tests.stage.locks import waiting_for_a_lock
from tests.stage.side_by_side import at_once, messages
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(payment_gateway: GatewayProcess) -> Order:
    return orders.open_order(user=CustomerFactory(), slot_id=SlotFactory(capacity=2).pk, quantity=2)


@pytest.fixture
def payment(order: Order, payment_gateway: GatewayProcess) -> Payment:
    """With a fee of the bank on top."""
    receipt = payment_gateway.pay(order.gateway_order_id, amount=2559)
    with pytest.raises(AmountMismatch):
        verification.verify(user=order.user, **receipt)
    return Payment.objects.get()


@pytest.mark.parametrize("wishes", [{"amount": 2559}, {"amount": 2000}, {"amount": 1}, {"currency": "USD"}])
def test_it_is_on_record_and_the_client_is_told_amount_mismatch(
    order: Order, payment_gateway: GatewayProcess, wishes: dict[str, Any]
) -> None:
    receipt = payment_gateway.pay(order.gateway_order_id, **wishes)
    for _ in range(2):
        answer = client_of(order.user).post("/api/payments/verify/", receipt)
        assert (answer.status_code, answer.json()["code"]) == (409, "amount_mismatch")
    paid = Payment.objects.get()
    kept = {"amount": paid.amount, "currency": paid.currency}
    assert kept == {"amount": 2500, "currency": "EUR"} | wishes
    assert paid.decision == "wanted"
    assert [model.objects.count() for model in (Booking, Refund, OutboxMessage)] == [0, 0, 0]


def test_all_who_report_it_at_once_put_one_on_record(order: Order, payment_gateway: GatewayProcess) -> None:
    payment_gateway.pay(order.gateway_order_id, amount=1)
    at_once(reconciliation.run)
    receipt = payment_gateway.pay(order.gateway_order_id, amount=2)

    def report() -> None:
        with pytest.raises(AmountMismatch):
            verification.verify(user=order.user, **receipt)

    at_once(report)
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [1, 2]


def test_the_mail_to_staff_names_the_path_below_which_the_project_is_once(payment: Payment, settings: Settings) -> None:
    settings.ADMINS, settings.PUBLIC_URL = ["staff@example.com"], "https://example.com/app"
    with override_script_prefix("/app/"):
        staff.tell()
    assert f"https://example.com/app/admin/bookings/payment/{payment.pk}/change/" in mail.outbox[0].body


def test_staff_are_told_once(payment: Payment, settings: Settings) -> None:
    settings.ADMINS = ["staff@example.com"]
    assert [staff.tell(), staff.tell()] == [1, 0]
    assert f"Payment {payment.payment_id} of order {payment.order_id} is 2559 EUR" in mail.outbox[0].body
    assert f"/admin/bookings/payment/{payment.pk}/change/" in mail.outbox[0].body


def test_without_admins_nothing_is_mailed_and_the_log_has_it(
    order: Order, payment_gateway: GatewayProcess, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ADMINS = []
    payment_gateway.pay(order.gateway_order_id, amount=1)
    reconciliation.run()
    assert "needs a person: amount_mismatch" in caplog.text
    staff.tell()
    assert mail.outbox == []


def test_booked_anyway_it_is_a_booking_of_what_was_paid(payment: Payment) -> None:
    booking = decisions.book_anyway(payment.pk)
    assert (booking.payment, booking.order.status, booking.slot.seats_taken) == (payment, "booked", 2)
    assert {message.context["amount"] for message in messages("booking.confirmed")} == {2559}
    with pytest.raises(AlreadyDecided):
        decisions.give_back(payment.pk)


def test_reported_again_after_it_was_booked_anyway_it_is_that_booking(
    payment: Payment, payment_gateway: GatewayProcess
) -> None:
    booking = decisions.book_anyway(payment.pk)
    again = verification.look_at(payment.order, payment.payment_id, now=timezone.now())
    assert (again.booking, again.is_new) == (booking, False)


def test_refunded_it_is_given_back_in_full_and_the_order_can_be_paid(
    payment: Payment, payment_gateway: GatewayProcess
) -> None:
    decisions.give_back(payment.pk)
    assert refunds.execute_due() == (1, 0)
    given = [each for each in payment_gateway.refunds() if each["payment_id"] == payment.payment_id]
    assert [each["amount"] for each in given] == [2559]
    assert len(messages("payment.refunded")) == 3
    order = payment.order
    assert verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id)).is_new
    with pytest.raises(AlreadyDecided):
        decisions.book_anyway(payment.pk)


def test_after_the_hold_has_lapsed_it_is_booked_if_seats_are_left(payment: Payment) -> None:
    Order.objects.update(hold_expires_at=timezone.now())
    orders.release_all_lapsed_holds()
    assert Slot.objects.get().seats_taken == 0
    decisions.book_anyway(payment.pk)
    assert Slot.objects.get().seats_taken == 2


def test_it_cannot_be_booked_without_seats_and_stays_undecided(payment: Payment) -> None:
    Order.objects.update(hold_expires_at=timezone.now())
    orders.open_order(user=CustomerFactory(), slot_id=payment.order.slot_id, quantity=2)
    with pytest.raises(NotEnoughSeats):
        decisions.book_anyway(payment.pk)
    assert Payment.objects.get(pk=payment.pk).decision == "wanted"
    decisions.give_back(payment.pk)


def test_an_order_that_was_paid_properly_since_is_not_booked_twice(
    payment: Payment, payment_gateway: GatewayProcess
) -> None:
    order = payment.order
    verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id))
    with pytest.raises(AmountMismatch):
        verification.look_at(Order.objects.get(), payment.payment_id, now=timezone.now())
    with pytest.raises(OrderAlreadyPaid):
        decisions.book_anyway(payment.pk)
    decisions.give_back(payment.pk)
    assert Booking.objects.count() == 1


def test_decisions_at_once_are_one(payment: Payment) -> None:
    def decide(take: Any) -> bool:
        try:
            take(payment.pk)
        except AlreadyDecided:
            return False
        return True

    ways = iter([decisions.book_anyway, decisions.give_back] * 4)
    assert sum(at_once(lambda: decide(next(ways)))) == 1
    assert Booking.objects.count() + Refund.objects.count() == 1


def test_a_decision_that_waits_for_another_sees_it(payment: Payment) -> None:
    """Its payment was read before the other one was committed."""
    outcomes: list[str] = []
    is_noted, may_end = Event(), Event()

    def book() -> None:
        try:
            decisions.book_anyway(payment.pk)
        except AlreadyDecided as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    def give_back() -> None:
        try:
            decisions.give_back(payment.pk, note=lambda _: is_noted.set() or may_end.wait(20))
        finally:
            connection.close()

    threads = [Thread(target=give_back), Thread(target=book)]
    threads[0].start()
    assert is_noted.wait(20)
    threads[1].start()
    wait_until(waiting_for_a_lock)
    may_end.set()
    for each in threads:
        each.join()
    assert outcomes == ["already_decided"]
    assert not Booking.objects.exists()


@pytest.mark.parametrize("decide", [decisions.book_anyway, decisions.give_back])
def test_a_decision_and_its_note_are_written_together_or_not_at_all(payment: Payment, decide: Any) -> None:
    noted: list[Payment] = []

    def fail(paid: Payment) -> None:
        noted.append(paid)
        raise LookupError

    with pytest.raises(LookupError):
        decide(payment.pk, note=fail)
    assert noted == [payment]
    payment.refresh_from_db()
    assert payment.decision == "wanted"
    assert [model.objects.count() for model in (Booking, Refund, OutboxMessage)] == [0, 0, 0]


def test_seats_of_a_hold_that_has_ended_by_then_are_taken(payment: Payment) -> None:
    orders.release_all_lapsed_holds(now=payment.order.hold_expires_at)
    other = orders.open_order(user=CustomerFactory(), slot_id=payment.order.slot_id, quantity=2)
    with pytest.raises(NotEnoughSeats):
        decisions.book_anyway(payment.pk, now=other.hold_expires_at - timedelta(seconds=1))
    decisions.book_anyway(payment.pk, now=other.hold_expires_at)
    other.refresh_from_db()
    assert (other.status, Slot.objects.get().seats_taken) == ("lapsed", 2)


def test_an_order_that_was_sold_out_takes_its_seats_again(payment: Payment, payment_gateway: GatewayProcess) -> None:
    order = payment.order
    orders.release_all_lapsed_holds(now=order.hold_expires_at)
    other = orders.open_order(user=CustomerFactory(), slot_id=order.slot_id, quantity=2)
    with pytest.raises(SoldOut):
        verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id))
    orders.release_all_lapsed_holds(now=other.hold_expires_at)
    assert decisions.book_anyway(payment.pk).order.status == "booked"
    assert Slot.objects.get().seats_taken == 2


def test_of_a_slot_that_was_called_off_meanwhile_no_seat_is_left(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.release_all_lapsed_holds(now=payment.order.hold_expires_at)

    def call_off(*_: Any, **__: Any) -> bool:
        Slot.objects.update(cancelled_at=timezone.now())
        return False

    monkeypatch.setattr(decisions, "take_seats", call_off)
    with pytest.raises(NotEnoughSeats, match="only 0 seats"):
        decisions.book_anyway(payment.pk)


@pytest.mark.parametrize("action", ["book_anyway", "give_back"])
@pytest.mark.parametrize("permission", ["decide_payment", "view_payment"])
def test_staff_with_the_permission_decide_in_the_admin(payment: Payment, action: str, permission: str) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=[permission, "view_payment"]))
    client = Client()
    client.force_login(clerk)
    address = "/admin/bookings/payment/"
    assert payment.payment_id in client.get(f"{address}?decision__exact=wanted").content.decode()
    client.post(address, {"action": action, "_selected_action": payment.pk, "reason": "agreed"}, follow=True)
    payment.refresh_from_db()
    may = permission == "decide_payment"
    assert payment.decision == ({"book_anyway": "booked", "give_back": "refunded"}[action] if may else "wanted")
    if may:
        again = client.post(
            address, {"action": action, "_selected_action": payment.pk, "reason": "agreed"}, follow=True
        )
        assert "This payment needs no decision, or has had one" in again.content.decode()


def test_the_orders_page_asks_for_no_second_payment(payment: Payment) -> None:
    browser = Client()
    browser.force_login(payment.order.user)
    address = f"/orders/{payment.order_id}/"
    page = browser.get(address).content.decode()
    assert "a payment of another amount" in page
    assert "/pay/" not in page
    decisions.give_back(payment.pk)
    assert "/pay/" in browser.get(address).content.decode()
