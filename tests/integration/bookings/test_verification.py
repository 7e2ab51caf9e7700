"""Verification: what is asked of a payment before anything is answered, and who is told of one that failed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from bookings import decisions, orders, verification
from bookings.errors import AmountMismatch, InvalidSignature, OrderAlreadyPaid, PaymentNotCaptured, SoldOut
from bookings.gateways import GatewayPayment, PaymentState
from bookings.models import Booking, Order, Payment
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import messages

pytestmark = pytest.mark.django_db(transaction=True)

FORGED = {"signature": "0" * 64}


@pytest.fixture
def order(payment_gateway: GatewayProcess) -> Order:
    return orders.open_order(user=CustomerFactory(), slot_id=SlotFactory(capacity=2).pk, quantity=2)


class TestASignatureIsAskedForFirst:
    """Whoever knows the ids of a payment that was verified before learns nothing of it without its signature."""

    def test_of_a_payment_that_was_booked(self, order: Order, payment_gateway: GatewayProcess) -> None:
        receipt = payment_gateway.pay(order.gateway_order_id)
        assert verification.verify(user=order.user, **receipt).is_new
        with pytest.raises(InvalidSignature):
            verification.verify(user=order.user, **receipt | FORGED)

    def test_of_a_second_payment_that_is_refunded(self, order: Order, payment_gateway: GatewayProcess) -> None:
        verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id))
        second = payment_gateway.pay(order.gateway_order_id)
        with pytest.raises(OrderAlreadyPaid):
            verification.verify(user=order.user, **second)
        with pytest.raises(InvalidSignature):
            verification.verify(user=order.user, **second | FORGED)

    def test_of_an_order_that_does_not_exist(self, order: Order, payment_gateway: GatewayProcess) -> None:
        receipt = payment_gateway.pay(order.gateway_order_id)
        with pytest.raises(InvalidSignature):
            verification.verify(user=order.user, **receipt | FORGED | {"order_id": "order_none"})


class TestAPaymentThatFailed:
    def test_is_told_to_the_customer_whose_hold_has_lapsed_too(
        self, order: Order, payment_gateway: GatewayProcess
    ) -> None:
        """The seats are gone, and so is the money unless the customer hears that nothing was taken."""
        payment_id = payment_gateway.pay(order.gateway_order_id, state="failed")["payment_id"]
        assert orders.release_all_lapsed_holds(now=order.hold_expires_at) == 2
        with pytest.raises(PaymentNotCaptured):
            verification.look_at(order, payment_id, now=timezone.now())
        (told, *_) = messages("payment.failed")
        assert (told.reference, told.context["amount"], len(messages("payment.failed"))) == (
            f"order:{order.pk}",
            2500,
            3,
        )

    def test_of_another_order_is_told_to_nobody(self, order: Order, payment_gateway: GatewayProcess) -> None:
        other = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
        payment_id = payment_gateway.pay(other.gateway_order_id, state="failed")["payment_id"]
        with pytest.raises(InvalidSignature):
            verification.look_at(order, payment_id, now=timezone.now())
        assert messages("payment.failed") == []

    def test_is_not_told_to_who_has_booked_meanwhile(self, order: Order, payment_gateway: GatewayProcess) -> None:
        failed = payment_gateway.pay(order.gateway_order_id, state="failed")["payment_id"]
        stale = Order.objects.select_related("slot", "user").get(pk=order.pk)
        verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id))
        with pytest.raises(PaymentNotCaptured):
            verification.look_at(stale, failed, now=timezone.now())
        assert messages("payment.failed") == []

    def test_is_not_told_to_who_paid_after_the_gateway_was_asked(
        self, order: Order, payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The gateway's list was read a moment before the payment that succeeded; the order's lock tells."""
        failed = payment_gateway.pay(order.gateway_order_id, state="failed")["payment_id"]
        stale = Order.objects.select_related("slot", "user").get(pk=order.pk)
        verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id))
        monkeypatch.setattr(verification, "_is_tried_again", lambda *_: False)
        with pytest.raises(PaymentNotCaptured):
            verification.look_at(stale, failed, now=timezone.now())
        assert messages("payment.failed") == []

    def test_is_not_told_to_who_paid_after_it_and_is_refunded(
        self, order: Order, payment_gateway: GatewayProcess
    ) -> None:
        failed = payment_gateway.pay(order.gateway_order_id, state="failed")["payment_id"]
        orders.release_all_lapsed_holds(now=order.hold_expires_at)
        orders.open_order(user=CustomerFactory(), slot_id=order.slot_id, quantity=1)
        with pytest.raises(SoldOut):
            verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id))
        with pytest.raises(PaymentNotCaptured):
            verification.look_at(order, failed, now=timezone.now())
        assert messages("payment.failed") == []

    def test_is_told_again_once_the_pause_is_over(
        self, order: Order, payment_gateway: GatewayProcess, settings: Settings
    ) -> None:
        settings.PAYMENT_FAILED_MINUTES, first = 60, timezone.now()
        pause, moment = timedelta(minutes=60), timedelta(microseconds=1)
        told = []
        for at in (first, first + pause - moment, first + pause):
            payment_id = payment_gateway.pay(order.gateway_order_id, state="failed")["payment_id"]
            with pytest.raises(PaymentNotCaptured):
                verification.look_at(order, payment_id, now=at)
            told.append(len(messages("payment.failed")))
        assert told == [3, 3, 6]

    @pytest.mark.parametrize("state", ["created", "authorized"])
    def test_is_not_one_that_may_still_be_captured(
        self, order: Order, payment_gateway: GatewayProcess, state: str
    ) -> None:
        payment_id = payment_gateway.pay(order.gateway_order_id, state=state)["payment_id"]
        with pytest.raises(PaymentNotCaptured):
            verification.look_at(order, payment_id, now=timezone.now())
        assert messages("payment.failed") == []


def test_an_event_about_a_payment_on_record_is_answered_without_the_gateway(
    order: Order, payment_gateway: GatewayProcess
) -> None:
    receipt = payment_gateway.pay(order.gateway_order_id)
    made = verification.verify(user=order.user, **receipt)
    order.refresh_from_db()
    payment_gateway.is_in_the_mood(down=True)
    again = verification.look_at(order, receipt["payment_id"], now=timezone.now())
    assert (again.booking, again.is_new) == (made.booking, False)


def test_an_event_that_names_another_orders_payment_gets_no_answer_from_it(
    order: Order, payment_gateway: GatewayProcess
) -> None:
    """Both are booked: neither the other order's booking nor this one's own is taken for it."""
    other = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    paid = [payment_gateway.pay(each.gateway_order_id) for each in (order, other)]
    for each, receipt in zip((order, other), paid, strict=True):
        verification.verify(user=each.user, **receipt)
        each.refresh_from_db()
    with pytest.raises(InvalidSignature):
        verification.look_at(order, paid[1]["payment_id"], now=timezone.now())
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("is_refunded", [False, True])
def test_a_payment_of_another_amount_that_the_gateway_corrects_stays_with_staff(
    order: Order, payment_gateway: GatewayProcess, *, is_refunded: bool
) -> None:
    """It is on record, with what staff were told of it: it is recorded no second time, and not booked by itself."""
    wrong = GatewayPayment("pay_1", order.gateway_order_id, PaymentState.CAPTURED, 1, "EUR")
    for payment in (wrong, replace(wrong, amount=order.amount)):
        with pytest.raises(AmountMismatch):
            verification.confirm(order, payment, now=timezone.now())
        if is_refunded and payment is wrong:
            decisions.give_back(Payment.objects.get().pk)
    assert (Payment.objects.get().amount, Booking.objects.count()) == (1, 0)
    assert verification.verify(user=order.user, **payment_gateway.pay(order.gateway_order_id)).is_new


def test_a_late_payment_takes_the_seats_of_holds_that_have_ended_by_then(
    order: Order, payment_gateway: GatewayProcess
) -> None:
    receipt = payment_gateway.pay(order.gateway_order_id)
    orders.release_all_lapsed_holds(now=order.hold_expires_at)
    other = orders.open_order(user=CustomerFactory(), slot_id=order.slot_id, quantity=2)
    assert verification.verify(user=order.user, **receipt, now=other.hold_expires_at).is_new
    other.refresh_from_db()
    assert other.status == "lapsed"


@pytest.mark.parametrize(("amount", "currency"), [(0, "EUR"), (2500, "eur"), (2500, "EURO"), (2**63, "EUR")])
def test_a_captured_payment_that_no_row_can_hold_is_logged_for_staff(
    order: Order, amount: int, currency: str, caplog: pytest.LogCaptureFixture
) -> None:
    payment = GatewayPayment("pay_1", order.gateway_order_id, PaymentState.CAPTURED, amount, currency)
    with pytest.raises(AmountMismatch):
        verification.confirm(order, payment, now=timezone.now())
    assert not Payment.objects.exists()
    assert f"Payment pay_1 of order {order.pk} needs a person: of no amount" in caplog.text


def test_a_payment_of_another_amount_is_logged_once_however_often_it_is_reported(
    order: Order, payment_gateway: GatewayProcess, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = payment_gateway.pay(order.gateway_order_id, amount=1)
    for _ in range(2):
        with pytest.raises(AmountMismatch):
            verification.verify(user=order.user, **receipt)
    assert caplog.text.count("needs a person: amount_mismatch") == 1
