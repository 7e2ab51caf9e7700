"""One bad row is reported and passed over, is tried again later and later, and stops nobody else; the database being
away is no row's fault.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from bookings import cancellation, orders, pruning, reconciliation, refunds, reminders, slots
from bookings.models import Booking, Order, PaymentEvent, Refund, Setback, Slot
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import booked, messages

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


class Trap:
    """Makes a function of a module fail for chosen rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, target: str, *, bad: Callable[[Any], bool]) -> None:
        self.calls = 0
        self.is_set = True
        self._error: Exception = ValueError("a bad row\x00")
        module, _, name = target.rpartition(".")
        real = getattr(__import__(module, fromlist=["x"]), name)

        def trapped(about: Any, *rest: Any, **more: Any) -> Any:
            if self.is_set and bad(about):
                self.calls += 1
                raise self._error
            return real(about, *rest, **more)

        monkeypatch.setattr(target, trapped)

    def becomes(self, error: Exception) -> None:
        self._error = error


def test_a_booking_that_cannot_be_reminded_of_stops_no_other(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slot = SlotFactory()
    bad, good = booked(payment_gateway, slot=slot), booked(payment_gateway, slot=slot)
    trap = Trap(monkeypatch, "bookings.announcements.booking_reminder", bad=lambda booking: booking.pk == bad.pk)
    now = slot.starts_at - timedelta(hours=2)
    assert reminders.queue_due(now=now) == 1
    assert {message.about.reference for message in messages("booking.reminder")} == {good.reference}
    assert f"queue reminders of {bad.pk} failed and is passed over" in caplog.text
    assert Setback.objects.get().row == bad.pk

    tries = [reminders.queue_due(now=now + minutes * MINUTE) for minutes in range(60)]
    assert (sum(tries), trap.calls) == (0, 6), "after 1, 2, 4, 8, 16 and 32 minutes"
    trap.is_set = False
    assert reminders.queue_due(now=now + 70 * MINUTE) == 1
    assert not Setback.objects.exists()


def test_bad_ones_do_not_fill_the_limit(payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = SlotFactory()
    bad = {booked(payment_gateway, slot=slot).pk for _ in range(2)}
    booked(payment_gateway, slot=slot)
    Trap(monkeypatch, "bookings.announcements.booking_reminder", bad=lambda booking: booking.pk in bad)
    now = slot.starts_at - timedelta(hours=2)
    assert [reminders.queue_due(now=now, limit=2), reminders.queue_due(now=now, limit=2)] == [0, 1]


def test_while_the_database_is_away_the_loop_ends_and_no_row_is_at_fault(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = booked(payment_gateway, slot=SlotFactory())
    trap = Trap(monkeypatch, "bookings.announcements.booking_reminder", bad=lambda _: True)
    trap.becomes(OperationalError("server closed the connection unexpectedly"))
    now = booking.slot.starts_at - timedelta(hours=2)
    with pytest.raises(OperationalError):
        reminders.queue_due(now=now)
    assert not Setback.objects.exists()
    trap.is_set = False
    assert reminders.queue_due(now=now) == 1


def test_a_slot_whose_holds_cannot_be_released_stops_no_other(payment_gateway: GatewayProcess) -> None:
    bad, good = SlotFactory(), SlotFactory()
    for slot in (bad, good):
        orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=2)
    Order.objects.update(hold_expires_at=timezone.now())
    Slot.objects.filter(pk=bad.pk).update(seats_taken=1)  # fewer than are held
    assert orders.release_all_lapsed_holds() == 2
    assert Order.objects.get(slot=good).status == "lapsed"
    assert Order.objects.get(slot=bad).status == "open"
    for minutes, failures in ((0, 1), (2, 2)):
        assert orders.release_all_lapsed_holds(now=timezone.now() + minutes * MINUTE) == 0
        assert Setback.objects.get().failures == failures, "tried again after its pause"


def test_a_booking_that_cannot_be_called_off_stops_no_other(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = SlotFactory()
    bad, good = booked(payment_gateway, slot=slot), booked(payment_gateway, slot=slot)
    trap = Trap(monkeypatch, "bookings.announcements.slot_cancelled", bad=lambda booking: booking.pk == bad.pk)
    assert cancellation.cancel_slot(slot.pk) == 1
    assert Booking.objects.get(pk=good.pk).status == "cancelled"
    assert (cancellation.finish_cancelled_slots(), trap.calls) == (0, 1), "tried again after its pause"
    trap.is_set = False
    assert cancellation.finish_cancelled_slots(now=timezone.now() + 2 * MINUTE) == 1
    assert Slot.objects.get().seats_taken == 0


def test_a_hold_that_cannot_be_ended_does_not_keep_its_slot_from_being_called_off(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = SlotFactory()
    booked(payment_gateway, slot=slot)
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    trap = Trap(monkeypatch, "bookings.cancellation.end_hold", bad=lambda _: True)
    assert cancellation.cancel_slot(slot.pk) == 1
    assert (cancellation.finish_cancelled_slots(), trap.calls) == (0, 1), "tried again after its pause"
    trap.is_set = False
    cancellation.finish_cancelled_slots(now=timezone.now() + 2 * MINUTE)
    assert Slot.objects.get().seats_taken == 0


def test_a_customer_who_cannot_be_told_of_a_move_stops_no_other(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = SlotFactory()
    bad, _ = booked(payment_gateway, slot=slot), booked(payment_gateway, slot=slot)
    trap = Trap(monkeypatch, "bookings.announcements.slot_moved", bad=lambda booking: booking.pk == bad.pk)
    assert slots.move(slot.pk, starts_at=slot.starts_at + timedelta(hours=1)) == 1
    trap.is_set = False
    assert slots.tell_of_moves(now=timezone.now() + 2 * MINUTE) == 1


def test_a_refund_that_raises_an_error_stops_no_other(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slot = SlotFactory()
    for _ in range(refunds.MOST_UNANSWERED + 2):
        cancellation.cancel(booked(payment_gateway, slot=slot).pk)
    gone, bad, *_ = Refund.objects.order_by("pk")
    gone.payment.gateway = "paypal"
    gone.payment.save()
    Trap(monkeypatch, "bookings.announcements.payment_refunded", bad=lambda refund: refund.pk == bad.pk)
    assert refunds.execute_due() == (refunds.MOST_UNANSWERED, 2)
    assert refunds.execute_due() == (0, 0), "each has its own pause"
    assert caplog.text.count("raised an error and is passed over") == 2


def test_while_the_database_is_away_a_run_of_refunds_ends(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cancellation.cancel(booked(payment_gateway, slot=SlotFactory()).pk)
    trap = Trap(monkeypatch, "bookings.announcements.payment_refunded", bad=lambda _: True)
    trap.becomes(OperationalError("server closed the connection unexpectedly"))
    with pytest.raises(OperationalError):
        refunds.execute_due()
    assert "is passed over" not in caplog.text, "no refund is at fault"


def test_an_order_that_raises_an_error_stops_no_other_in_the_sweep(
    payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1) for _ in range(3)]
    for order in made:
        payment_gateway.pay(order.gateway_order_id)
    trap = Trap(monkeypatch, "bookings.announcements.booking_confirmed", bad=lambda it: it.order_id == made[0].pk)
    swept = reconciliation.run()
    assert (swept.booked, swept.passed_over) == (2, 1)
    assert reconciliation.run().orders == 0
    trap.is_set = False
    assert reconciliation.run(now=timezone.now() + 2 * MINUTE).booked == 1


def test_an_event_that_cannot_be_deleted_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    long_ago = timezone.now() - timedelta(days=1000)
    for number in range(8):
        PaymentEvent.objects.create(gateway="sandbox", event_id=f"evt_{number}", kind="paid", received_at=long_ago)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF OLD.event_id = 'evt_1' THEN RAISE EXCEPTION 'kept'; END IF; RETURN OLD; END $$;"
            "CREATE TRIGGER keep BEFORE DELETE ON bookings_paymentevent FOR EACH ROW EXECUTE FUNCTION keep();"
        )
        try:
            assert pruning.prune_payment_events() == 7
        finally:
            cursor.execute("DROP TRIGGER keep ON bookings_paymentevent; DROP FUNCTION keep()")
    assert PaymentEvent.objects.get().event_id == "evt_1"
