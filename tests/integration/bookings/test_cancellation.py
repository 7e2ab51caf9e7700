"""Cancellations: what the rules give back, once; and whole slots that staff call off."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from bookings import cancellation, orders, refunds, verification
from bookings.errors import NotCancellable
from bookings.models import Booking, Refund, Setback, Slot
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import at_once, booked, messages

pytestmark = pytest.mark.django_db(transaction=True)


class TestCancellation:
    HOUR = timedelta(hours=1)

    @pytest.mark.parametrize(
        ("left", "amount", "given"),
        [
            (timedelta(days=7), 1999, 1999),
            (48 * HOUR, 1999, 1999),
            (48 * HOUR - timedelta(microseconds=1), 1999, 660),  # 659.67
            (47 * HOUR, 50, 17),  # 16.5: half a minor unit is the customer's
            (47 * HOUR, 53, 17),  # 17.49
            (47 * HOUR, 1, 0),
            (6 * HOUR, 1999, 660),
            (6 * HOUR - timedelta(microseconds=1), 1999, 0),
        ],
    )
    def test_a_slots_rules_give_all_a_share_or_nothing(self, left: timedelta, amount: int, given: int) -> None:
        now = timezone.now()
        slot = Slot(starts_at=now + left, free_cancellation_hours=48, late_refund_percent=33, no_refund_hours=6)
        assert cancellation.refundable(amount, slot=slot, now=now) == given

    def test_a_late_cancellation_gives_its_share_back_once(self, payment_gateway: GatewayProcess) -> None:
        booking = booked(payment_gateway, slot=SlotFactory(late_refund_percent=50), quantity=3)
        late = booking.slot.starts_at - timedelta(hours=2)
        at_once(lambda: cancellation.cancel(booking.pk, now=late))
        assert Refund.objects.get().amount == 1875
        assert sum(succeeded for succeeded, _ in at_once(refunds.execute_due)) == 1
        given = [each for each in payment_gateway.refunds() if each["payment_id"] == booking.payment.payment_id]
        assert [each["amount"] for each in given] == [1875]
        assert {message.context["amount"] for message in messages("payment.refunded")} == {1875}

    def test_its_customer_is_notified_once_on_each_channel(self, payment_gateway: GatewayProcess) -> None:
        booking = booked(payment_gateway, slot=SlotFactory())
        at_once(lambda: cancellation.cancel(booking.pk))
        told = [message.channel for message in messages("booking.cancelled")]
        assert sorted(told) == sorted(message.channel for message in messages("booking.confirmed"))

    def test_a_booking_cancelled_by_its_customer_meanwhile_is_not_called_off_as_well(
        self, payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was on the list of those to be called off: its customer was faster, by a moment."""
        slot = SlotFactory(free_cancellation_hours=24 * 365)
        first, second = (booked(payment_gateway, slot=slot) for _ in range(2))
        lock = cancellation._locked

        def cancel_the_other_first(booking_id: int) -> Booking:
            if booking_id == first.pk:
                at_once(lambda: cancellation.cancel(second.pk), times=1)
            return lock(booking_id)

        monkeypatch.setattr(cancellation, "_locked", cancel_the_other_first)
        assert cancellation.cancel_slot(slot.pk) == 1
        slot.refresh_from_db()
        assert slot.seats_taken == 0
        assert {message.recipient.user_id for message in messages("slot.cancelled")} == {first.user_id}
        assert {message.recipient.user_id for message in messages("booking.cancelled")} == {second.user_id}
        assert not Setback.objects.exists()

    def test_a_booking_can_be_cancelled_until_its_slot_starts(self, payment_gateway: GatewayProcess) -> None:
        slot = SlotFactory()
        first, second = (booked(payment_gateway, slot=slot) for _ in range(2))
        for now in (slot.starts_at, slot.starts_at + self.HOUR):
            with pytest.raises(NotCancellable):
                cancellation.cancel(first.pk, now=now)
        slot.refresh_from_db()
        first.refresh_from_db()
        assert (first.status, slot.seats_taken, messages("booking.cancelled")) == ("confirmed", 2, [])
        last_moment = slot.starts_at - timedelta(microseconds=1)
        assert cancellation.cancel(second.pk, now=last_moment).status == "cancelled"
        assert cancellation.cancel(second.pk, now=slot.starts_at).cancelled_at == last_moment, "it stays as it is"

    def test_staff_call_a_slot_off_everyone_is_refunded_and_told_once(self, payment_gateway: GatewayProcess) -> None:
        slot, other = SlotFactory(free_cancellation_hours=24 * 365), SlotFactory()
        bookings = [booked(payment_gateway, slot=slot) for _ in range(3)]
        cancellation.cancel(bookings[0].pk)  # by its customer, too late for a refund
        elsewhere = booked(payment_gateway, slot=other)
        waiting = orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
        open_elsewhere = orders.open_order(user=CustomerFactory(), slot_id=other.pk, quantity=1)

        assert sum(at_once(lambda: cancellation.cancel_slot(slot.pk))) == 2
        slot.refresh_from_db()
        assert (slot.seats_taken, slot.is_cancelled) == (0, True)
        assert sorted(Refund.objects.values_list("payment_id", "amount", "reason")) == [
            (booking.payment_id, 1250, "slot_cancelled") for booking in bookings[1:]
        ]
        assert len(messages("slot.cancelled")) == 2 * 3
        for untouched, status in ((elsewhere, "confirmed"), (open_elsewhere, "open")):
            untouched.refresh_from_db()
            assert untouched.status == status
        with pytest.raises(orders.SlotIsCancelled):
            orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
        with pytest.raises(verification.SoldOut):
            verification.verify(user=waiting.user, **payment_gateway.pay(waiting.gateway_order_id))
        assert Refund.objects.filter(reason="sold_out").count() == 1

    def test_a_slots_cancellation_that_was_interrupted_is_completed(self, payment_gateway: GatewayProcess) -> None:
        booking = booked(payment_gateway, slot=SlotFactory())
        Slot.objects.update(cancelled_at=timezone.now())
        assert cancellation.finish_cancelled_slots() == 1
        assert cancellation.finish_cancelled_slots() == 0
        booking.refresh_from_db()
        assert booking.status == "cancelled"

    def test_payments_that_arrive_while_a_slot_is_called_off_end_as_refunds(
        self, payment_gateway: GatewayProcess
    ) -> None:
        slot = SlotFactory(capacity=12)
        opened = [orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1) for _ in range(12)]
        paying = iter([(order.user, payment_gateway.pay(order.gateway_order_id)) for order in opened])

        def pay_or_call_off() -> None:
            following = next(paying, None)
            if following is None:
                cancellation.cancel_slot(slot.pk)
                return
            user, receipt = following
            with suppress(verification.SoldOut):
                verification.verify(user=user, **receipt)

        at_once(pay_or_call_off, times=13)
        cancellation.finish_cancelled_slots()
        assert Slot.objects.get().seats_taken == 0
        assert not Booking.objects.filter(status="confirmed").exists()
        assert Refund.objects.count() == 12


@pytest.mark.parametrize(("permission", "cancels"), [("cancel_slot", True), ("change_slot", False)])
def test_staff_with_the_permission_call_slots_off_in_the_admin(
    client: Client, payment_gateway: GatewayProcess, permission: str, cancels: bool
) -> None:
    slot = SlotFactory()
    booked(payment_gateway, slot=slot)
    staff = User.objects.create_user("manager", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=("view_slot", permission)))
    client.force_login(staff)
    asked = {"action": "cancel_selected", "_selected_action": [slot.pk], "reason": "storm"}
    said = client.post("/admin/bookings/slot/", asked, follow=True).content.decode()
    assert ("is cancelled: 1 booking refunded in full" in said) is cancels
    assert Refund.objects.filter(reason="slot_cancelled").exists() is cancels
