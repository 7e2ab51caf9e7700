"""A refund is made when the gateway says so; its customer hears of the end, and staff of a failure."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from bookings import cancellation, orders, refunds, staff, verification
from bookings.gateways import EventKind, RefundState
from bookings.models import Booking, Order, Refund
from bookings.webhooks import handle
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.gateways.conftest import Stage

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def refund(full_stage: Stage, settings: Settings) -> Refund:
    settings.PAYMENT_GATEWAY = full_stage.name
    return requested(full_stage)


def requested(stage: Stage) -> Refund:
    """The refund of a cancelled booking, not executed."""
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    booking = verification.verify(user=customer, **stage.pay(order.gateway_order_id)).booking
    cancellation.cancel(booking.pk)
    return Refund.objects.get()


def now_is(refund: Refund) -> tuple[str, str]:
    refund.refresh_from_db()
    return refund.status, refund.gateway_state


def told() -> int:
    return OutboxMessage.objects.filter(kind="payment.refunded").count()


def event(stage: Stage, refund: Refund, **wishes: Any) -> str:
    refund.refresh_from_db()
    return hear_event(stage, refund.gateway_refund_id, **wishes)


def hear_event(stage: Stage, refund_id: str, **wishes: Any) -> str:
    body, headers = stage.refund_event(refund_id, **wishes)
    read = stage.client.read_event(body, headers)
    assert read.kind is EventKind.REFUND
    return handle(stage.client, read, now=timezone.now())


def test_a_refund_that_is_under_way_is_not_said_to_be_made(refund: Refund, full_stage: Stage) -> None:
    full_stage.refunds_are("pending")
    assert refunds.execute_due() == (0, 0)
    assert now_is(refund) == ("pending", "pending")
    assert told() == 0
    answer = client_of(refund.payment.order.user).get(f"/api/bookings/{Booking.objects.get().pk}/")
    assert answer.json()["refund"] == "pending"


def test_the_sweep_asks_again_until_it_is_made(refund: Refund, full_stage: Stage) -> None:
    full_stage.refunds_are("pending")
    refunds.execute_due()
    later = timezone.now() + HOUR
    assert refunds.execute_due(now=later) == (0, 0)
    refund.refresh_from_db()
    full_stage.change_refund(refund.gateway_refund_id, "succeeded")
    assert refunds.execute_due(now=later + HOUR) == (1, 0)
    assert now_is(refund)[0] == "succeeded"
    assert full_stage.refunded(refund.payment.payment_id) == 1250
    assert told() == 3


def test_a_webhook_says_that_it_is_made_once(refund: Refund, full_stage: Stage) -> None:
    full_stage.refunds_are("pending")
    refunds.execute_due()
    assert event(full_stage, refund, event_id="evt_1") == "handled"
    assert now_is(refund)[0] == "pending", "the event of its beginning"
    full_stage.change_refund(refund.gateway_refund_id, "succeeded")
    for event_id in ("evt_2", "evt_2", "evt_3"):
        event(full_stage, refund, event_id=event_id)
    assert now_is(refund)[0] == "succeeded"
    assert told() == 3


@pytest.mark.parametrize("is_known", [False, True])
def test_one_that_fails_is_staffs_and_nobody_is_told_that_it_was_made(
    refund: Refund,
    full_stage: Stage,
    settings: Settings,
    is_known: bool,
) -> None:
    settings.ADMINS = ["staff@example.com"]
    full_stage.refunds_are("pending" if is_known else "failed")
    refunds.execute_due()
    if is_known:
        refund.refresh_from_db()
        full_stage.change_refund(refund.gateway_refund_id, "failed")
        assert event(full_stage, refund) == "handled"
    assert now_is(refund)[0] == "failed"
    assert refund.error
    assert told() == 0
    assert [staff.tell(), staff.tell()] == [1, 0]
    (mailed,) = mail.outbox
    assert mailed.to == ["staff@example.com"]
    assert f"Refund {refund.pk} has failed" in mailed.body
    assert f"/admin/bookings/refund/{refund.pk}/change/" in mailed.body


def test_one_that_failed_is_started_again_under_another_key_and_made(
    refund: Refund,
    full_stage: Stage,
) -> None:
    full_stage.refunds_are("failed")
    assert refunds.execute_due() == (0, 1)
    full_stage.refunds_are("succeeded")
    first = Refund.objects.get().gateway_refund_id
    assert refunds.start_again(refund.pk)
    assert refunds.execute_due() == (1, 0)
    assert full_stage.refunded(refund.payment.payment_id) == 1250
    assert Refund.objects.get().gateway_refund_id != first
    hear_event(full_stage, first, event_id="evt_late")
    assert now_is(refund)[0] == "succeeded", "what failed was the one before"
    assert told() == 3


def test_one_that_comes_back_after_it_was_made_is_staffs(refund: Refund, full_stage: Stage) -> None:
    """A bank may return the money days later."""
    assert refunds.execute_due() == (1, 0)
    refund.refresh_from_db()
    full_stage.change_refund(refund.gateway_refund_id, "failed")
    event(full_stage, refund)
    assert now_is(refund)[0] == "failed"
    assert refunds.start_again(refund.pk)
    assert refunds.execute_due() == (1, 0)
    assert told() == 6, "and its customer is told when it is made after all"


def test_an_event_of_a_refund_that_staff_made_at_the_gateway_changes_nothing(
    full_stage: Stage,
    settings: Settings,
) -> None:
    settings.PAYMENT_GATEWAY = full_stage.name
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    paid = full_stage.pay(order.gateway_order_id)
    verification.verify(user=customer, **paid)
    made = full_stage.client.refund(payment_id=paid["payment_id"], amount=100, idempotency_key="by hand")
    assert hear_event(full_stage, made.refund_id) == "ignored"
    assert not Refund.objects.exists()
    assert Order.objects.get().status == "booked"


@pytest.mark.parametrize("state", ["requires_action", "canceled"])
def test_stripes_other_states(stripe_stage: Stage, state: str) -> None:
    refund = requested(stripe_stage)
    stripe_stage.refunds_are(state)
    refunds.execute_due()
    assert now_is(refund) == ({"requires_action": "pending", "canceled": "failed"}[state], state)
    assert told() == 0


@pytest.mark.parametrize("name", ["razorpay", "stripe"])
def test_a_state_that_a_gateway_adds_later_is_asked_about_again(name: str, request: pytest.FixtureRequest) -> None:
    stage = request.getfixturevalue(f"{name}_stage")
    refund = requested(stage)
    stage.refunds_are("on_the_moon")
    assert refunds.execute_due() == (0, 0)
    assert now_is(refund) == ("pending", "unknown")
    stage.change_refund(refund.gateway_refund_id, "succeeded")
    assert refunds.execute_due(now=timezone.now() + HOUR) == (1, 0)


def test_a_refund_that_the_gateway_does_not_have_is_unknown(full_stage: Stage) -> None:
    payment = {"sandbox": "pay_0", "razorpay": "pay_00000000000000", "stripe": "pi_0"}[full_stage.name]
    for refund_id in ("rfnd_00000000000000", "re_00000000000000", "é", "\x00"):
        told_of = full_stage.client.fetch_refund(refund_id, payment_id=payment)
        assert told_of.state is RefundState.UNKNOWN


def test_one_that_is_pending_for_weeks_is_told_to_staff(refund: Refund, full_stage: Stage, settings: Settings) -> None:
    settings.ADMINS = ["staff@example.com"]
    full_stage.refunds_are("pending")
    refunds.execute_due()
    assert staff.tell() == 0
    assert staff.tell(now=timezone.now() + timedelta(days=15)) == 1
    assert "pending for more than 14 days" in mail.outbox[0].body


def test_staff_are_told_again_when_the_mail_server_was_away(
    refund: Refund,
    full_stage: Stage,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.ADMINS = [("Staff", "staff@example.com")]
    full_stage.refunds_are("failed")
    refunds.execute_due()

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as away:
        away.setattr(staff, "send_mail", refuse)
        assert staff.tell() == 0
    assert staff.tell() == 1
