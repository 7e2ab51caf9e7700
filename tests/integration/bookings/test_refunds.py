"""A refund that a gateway refuses comes to an end that staff see, and can be started again; one unanswered goes on."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from bookings import cancellation, orders, pruning, refunds, verification
from bookings.models import Booking, PaymentEvent, Refund
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refund(payment_gateway: GatewayProcess) -> Refund:
    customer, slot = CustomerFactory(), SlotFactory()
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    booking: Booking = verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id)).booking
    cancellation.cancel(booking.pk)
    return Refund.objects.get()


@pytest.fixture
def refused(refund: Refund) -> Refund:
    """More than was paid: the gateway says no."""
    Refund.objects.update(amount=refund.amount + 1)
    return refund


def try_until_it_ends(refund: Refund, *, at: datetime, most: int = 20) -> int:
    """Hourly runs; how many tries there were until nothing was due."""
    for run in range(most):
        if refunds.execute_due(now=at + timedelta(hours=run)) == (0, 0):
            return run
    return most


def test_one_that_is_refused_for_good_fails_with_its_reason(refused: Refund, caplog: pytest.LogCaptureFixture) -> None:
    now = timezone.now()
    assert refunds.execute_due(now=now) == (0, 1)
    refused.refresh_from_db()
    assert (refused.status, refused.refusals) == ("requested", 1), "the first refusal may be for the moment"
    assert try_until_it_ends(refused, at=now + timedelta(hours=1)) == refunds.MOST_REFUSALS - 1
    refused.refresh_from_db()
    assert refused.status == "failed"
    assert "no more than what is left of the payment" in refused.error
    assert [record.levelno for record in caplog.records if "needs a person" in record.getMessage()] == [logging.ERROR]


def test_staff_start_it_again_and_it_succeeds_under_another_key(
    refused: Refund, payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []
    asked = refunds.gateway("sandbox").refund

    def refund(**wish: Any) -> str:
        keys.append(wish["idempotency_key"])
        return asked(**wish)

    monkeypatch.setattr(refunds.gateway("sandbox"), "refund", refund)
    assert not refunds.start_again(refused.pk), "it has not failed yet"
    try_until_it_ends(refused, at=timezone.now())
    Refund.objects.update(amount=refused.amount)
    assert refunds.start_again(refused.pk)
    assert refunds.execute_due() == (1, 0)
    refused.refresh_from_db()
    assert (refused.status, refused.error) == ("succeeded", "")
    given = [each for each in payment_gateway.refunds() if each["payment_id"] == refused.payment.payment_id]
    assert [each["amount"] for each in given] == [refused.amount]
    assert len(set(keys)) == refunds.MOST_REFUSALS + 1


def test_started_again_it_begins_from_the_beginning_and_staff_are_told_of_its_end(
    payment_gateway: GatewayProcess,
) -> None:
    cancelled(payment_gateway, 2)
    now, later = timezone.now(), timezone.now() + timedelta(hours=1)
    ended = {"status": "failed", "tries": 9, "gateway_refund_id": "rf", "gateway_state": "failed"}
    Refund.objects.update(**ended, staff_told_at=now, next_try_at=now)
    first, other = Refund.objects.order_by("pk")
    assert refunds.start_again(first.pk, now=later)
    for refund in (first, other):
        refund.refresh_from_db()
    begun = (first.status, first.tries, first.gateway_refund_id, first.gateway_state)
    assert begun == ("requested", 0, "", "")
    assert (first.staff_told_at, first.next_try_at, other.status) == (None, later, "failed")


def test_the_one_that_has_been_due_for_longest_comes_first(payment_gateway: GatewayProcess) -> None:
    cancelled(payment_gateway, 2)
    last = Refund.objects.latest("pk")
    Refund.objects.filter(pk=last.pk).update(next_try_at=timezone.now() - timedelta(days=1))
    assert refunds.execute_due(limit=1) == (1, 0)
    last.refresh_from_db()
    assert last.status == "succeeded"


def test_a_gateway_that_does_not_answer_ends_nothing_and_keeps_its_key(
    refund: Refund, payment_gateway: GatewayProcess
) -> None:
    payment_gateway.is_in_the_mood(down=True)
    assert try_until_it_ends(refund, at=timezone.now(), most=12) == 12
    payment_gateway.is_in_the_mood()
    refund.refresh_from_db()
    assert (refund.status, refund.refusals, refund.tries) == ("requested", 0, 12)
    assert refunds.execute_due(now=timezone.now() + timedelta(days=1)) == (1, 0)


def cancelled(payment_gateway: GatewayProcess, number: int) -> None:
    """So many bookings, cancelled: each leaves a refund that is due."""
    customer, slot = CustomerFactory(), SlotFactory()
    for _ in range(number):
        order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
        booking = verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id)).booking
        cancellation.cancel(booking.pk)


def test_a_run_ends_after_a_few_unanswered_ones(payment_gateway: GatewayProcess) -> None:
    """Each may take as long as the gateway's timeout."""
    cancelled(payment_gateway, refunds.MOST_UNANSWERED + 1)
    payment_gateway.is_in_the_mood(down=True)
    assert refunds.execute_due() == (0, refunds.MOST_UNANSWERED)
    assert sorted(Refund.objects.values_list("tries", flat=True)) == [0] + [1] * refunds.MOST_UNANSWERED


def test_a_run_goes_on_with_so_many_and_no_more(payment_gateway: GatewayProcess) -> None:
    cancelled(payment_gateway, 3)
    assert [refunds.execute_due(limit=2) for _ in range(3)] == [(2, 0), (1, 0), (0, 0)]


@pytest.mark.parametrize(("state", "longest"), [("failing", timedelta(hours=1)), ("pending", timedelta(hours=6))])
def test_the_pauses_between_two_tries_double_up_to_a_longest(
    refund: Refund, payment_gateway: GatewayProcess, state: str, longest: timedelta
) -> None:
    """From a minute on. A gateway that has the refund in hand is asked more and more seldom, up to four times a day."""
    payment_gateway.is_in_the_mood(down=state == "failing", refund_state="pending")
    if state == "pending":
        refunds.execute_due()
        refund.refresh_from_db()
    pauses, now = [], refund.next_try_at
    for _ in range(12):
        assert refunds.execute_due(now=now - timedelta(microseconds=1)) == (0, 0)
        refunds.execute_due(now=now)
        refund.refresh_from_db()
        pauses.append(refund.next_try_at - now)
        now = refund.next_try_at
    assert pauses == [min(timedelta(minutes=2**doublings), longest) for doublings in range(12)]


class TestAnEventOfARefundWhoseAnswerWasLost:
    """It names an id that we never got: the next try, with the same key, brings it."""

    @pytest.fixture
    def lost(self, refund: Refund, payment_gateway: GatewayProcess) -> Refund:
        payment_gateway.is_in_the_mood(down=True)
        for _ in range(5):
            refunds.execute_due(now=timezone.now() + timedelta(days=1))
            Refund.objects.update(next_try_at=timezone.now())
        refunds.execute_due()
        payment_gateway.is_in_the_mood()
        refund.refresh_from_db()
        return refund

    def hear(self, refund: Refund, *, now: datetime) -> bool:
        paid = refund.payment
        return refunds.look_at(gateway_name=paid.gateway, payment_id=paid.payment_id, refund_id="rf_lost", now=now)

    def test_it_is_tried_soon(self, lost: Refund) -> None:
        now = timezone.now() + timedelta(minutes=1)
        soon = now + timedelta(seconds=refunds.TRY_SECONDS)
        assert lost.next_try_at > soon
        assert self.hear(lost, now=now)
        lost.refresh_from_db()
        assert lost.next_try_at == soon, "counted from when the event came"
        assert refunds.execute_due(now=now) == (0, 0)
        assert refunds.execute_due(now=soon) == (1, 0)

    def test_no_other_payments_refund_is_meant(self, lost: Refund) -> None:
        named = {"gateway_name": lost.payment.gateway, "payment_id": "pay_another", "refund_id": "rf_lost"}
        assert not refunds.look_at(**named, now=timezone.now())
        assert Refund.objects.get().next_try_at == lost.next_try_at

    def test_a_try_that_comes_sooner_is_not_put_off(self, lost: Refund) -> None:
        soon = timezone.now()
        Refund.objects.update(next_try_at=soon)
        assert self.hear(lost, now=soon)
        assert Refund.objects.get().next_try_at == soon

    def test_one_that_was_never_tried_is_not_meant(self, refund: Refund) -> None:
        assert not self.hear(refund, now=timezone.now())


def test_one_that_is_refused_keeps_no_other_from_being_made(refused: Refund, payment_gateway: GatewayProcess) -> None:
    cancelled(payment_gateway, 2 * refunds.MOST_UNANSWERED)
    assert refunds.execute_due() == (2 * refunds.MOST_UNANSWERED, 1)


def test_the_database_keeps_what_has_ended_apart(refund: Refund) -> None:
    with pytest.raises(IntegrityError, match="refund_has_succeeded_at_a_moment"), transaction.atomic():
        Refund.objects.update(status="failed", succeeded_at=timezone.now())


@pytest.mark.parametrize(("permission", "status"), [("retry_refund", "requested"), ("view_refund", "failed")])
def test_staff_with_the_permission_start_it_again_in_the_admin(refund: Refund, permission: str, status: str) -> None:
    Refund.objects.update(status="failed", error="Your account does not have enough balance")
    staff = User.objects.create_user("clerk", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=[permission, "view_refund"]))
    client = Client()
    client.force_login(staff)
    address = "/admin/bookings/refund/"
    assert "does not have enough balance" in client.get(f"{address}?status=failed").content.decode()
    client.post(address, {"action": "start_again", "_selected_action": refund.pk, "reason": "paid in"})
    refund.refresh_from_db()
    assert refund.status == status


def test_events_of_long_ago_are_forgotten_and_no_others(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    now = timezone.now()
    for days in range(10):
        PaymentEvent.objects.create(
            gateway="sandbox", event_id=f"evt_{days}", kind="paid", received_at=now - timedelta(days=days)
        )
    settings.PAYMENT_EVENT_DAYS = 3
    assert pruning.prune_payment_events(now=now) == 6
    assert pruning.prune_payment_events(now=now) == 0
    assert set(PaymentEvent.objects.values_list("event_id", flat=True)) == {f"evt_{days}" for days in range(4)}
