"""What happens by the clock: holds lapse, reminders go out, refunds are made, once each, whoever runs the task."""

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Failure, Schedule, Success
from pytest_django import Settings

from bookings import cancellation, orders, reminders, schedules
from bookings.models import Booking, Order, Refund, Slot
from notifications import outbox
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.relay import RecordingChannel, drain
from tests.stage.side_by_side import at_once, booked, messages
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class TestHolds:
    def test_lapsed_holds_of_all_slots_are_freed_once_side_by_side(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(orders, "BATCH", 7)
        customer, now = CustomerFactory(), timezone.now()
        slots = SlotFactory.create_batch(3, capacity=100, seats_taken=50)
        for slot in slots:
            Order.objects.bulk_create(
                a_hold(slot, customer, until=now + timedelta(minutes=minute - 20), quantity=2) for minute in range(25)
            )
        freed = at_once(lambda: orders.release_all_lapsed_holds(now=now))
        assert sum(freed) == 3 * 21 * 2, "21 of 25 holds have ended"
        assert set(Slot.objects.values_list("seats_taken", flat=True)) == {50 - 42}
        assert Counter(Order.objects.values_list("status", flat=True)) == {"lapsed": 63, "open": 12}

    def test_their_seats_are_offered_before_anybody_has_freed_them(self, client: Any) -> None:
        slot = SlotFactory(capacity=5, seats_taken=5)
        a_hold(slot, CustomerFactory(), until=timezone.now(), quantity=3).save()
        a_hold(slot, CustomerFactory(), until=timezone.now() + timedelta(hours=1), quantity=2).save()
        assert client.get(f"/api/slots/{slot.pk}/").json()["seats_left"] == 3
        (offered,) = client.get("/api/slots/?has_seats=true").json()["results"]
        assert offered["seats_left"] == 3
        assert client.get("/api/slots/?has_seats=false").json()["results"] == []


def a_hold(slot: Slot, customer: Any, *, until: datetime, quantity: int) -> Order:
    return Order(
        user=customer,
        slot=slot,
        quantity=quantity,
        amount=1,
        currency="EUR",
        hold_expires_at=until,
        gateway="sandbox",
        gateway_order_id=f"order_{slot.pk}_{until.timestamp()}",
    )


class TestReminders:
    @pytest.fixture
    def booking(self, payment_gateway: GatewayProcess) -> Booking:
        return booked(payment_gateway, slot=SlotFactory(starts_at=datetime.fromisoformat("2040-07-01T18:00:00Z")))

    def test_one_is_queued_when_its_time_has_come_and_once(self, booking: Booking) -> None:
        due = booking.slot.starts_at - timedelta(hours=24)
        assert reminders.queue_due(now=due - timedelta(seconds=1)) == 0
        assert messages("booking.reminder") == []
        assert sum(at_once(lambda: reminders.queue_due(now=due))) == 1
        assert reminders.queue_due(now=due) == 0
        written = messages("booking.reminder")
        assert [message.channel for message in written] == ["sms", "whatsapp", "email"]
        assert {message.expires_at for message in written} == {booking.slot.starts_at}

    def test_a_slot_that_has_started_is_not_reminded_of(self, booking: Booking) -> None:
        assert reminders.queue_due(now=booking.slot.starts_at) == 0

    def test_a_booking_that_was_cancelled_is_not_reminded_of(self, booking: Booking) -> None:
        cancellation.cancel(booking.pk)
        assert reminders.queue_due(now=booking.slot.starts_at - timedelta(hours=2)) == 0

    def test_cancelling_withdraws_the_reminder_that_waits(self, booking: Booking) -> None:
        reminders.queue_due(now=booking.slot.starts_at - timedelta(hours=2))
        cancellation.cancel(booking.pk, now=booking.slot.starts_at - timedelta(hours=1))
        assert {message.status for message in messages("booking.reminder")} == {"cancelled"}
        channel = RecordingChannel()
        drain(channel, RecordingChannel("whatsapp"), RecordingChannel("email"))
        assert [outgoing.parts["text"].partition(":")[0] for outgoing in channel.sent] != []
        assert not any("Reminder" in outgoing.parts["text"] for outgoing in channel.sent)
        assert not OutboxMessage.objects.filter(status__in=["queued", "pending"]).exists(), "the lane has moved on"

    def test_it_speaks_of_the_customers_own_time(self, booking: Booking) -> None:
        outbox.change_contact(booking.user, time_zone="Asia/Tokyo", locale="en")
        reminders.queue_due(now=booking.slot.starts_at - timedelta(hours=2))
        sms, email = RecordingChannel(), RecordingChannel("email")
        email.templates = {"text": "email.txt"}
        drain(sms, RecordingChannel("whatsapp"), email)
        assert "6:00 PM UTC" in sms.sent[-1].parts["text"], "the venue's: both do not fit one segment"
        assert "Mon, Jul 2, 2040, 3:00 AM JST" in "".join(map(str, email.sent[-1].parts.values()))

    def test_hours_are_a_setting_and_the_command_says_what_it_did(
        self, payment_gateway: GatewayProcess, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        booked(payment_gateway, slot=SlotFactory(starts_at=timezone.now() + timedelta(hours=30)))
        call_command("queue_reminders")
        settings.REMINDER_HOURS = 31
        call_command("queue_reminders")
        call_command("queue_reminders", verbosity=0)
        assert capsys.readouterr().out == "Queued 0 reminders.\nQueued 1 reminders.\n"


class TestInstalling:
    def test_schedules_install_themselves_once(self, settings: Settings) -> None:
        at_once(schedules.install)
        assert set(Schedule.objects.values_list("name", flat=True)) == settings.SCHEDULES.keys()
        assert Schedule.objects.count() == len(settings.SCHEDULES)

    def test_a_changed_period_is_taken_over_and_what_staff_changed_stays(self, settings: Settings) -> None:
        schedules.install()
        Schedule.objects.filter(name="queue reminders").update(repeats=0)
        Schedule.objects.create(name="staff's own", func="math.floor", args="1.5")
        assert schedules.install() == []
        settings.SCHEDULES = settings.SCHEDULES | {"expire holds": ("bookings.schedules.expire_holds", 7)}
        assert schedules.install() == ["expire holds"]
        assert Schedule.objects.get(name="expire holds").minutes == 7
        assert Schedule.objects.get(name="queue reminders").repeats == 0
        assert Schedule.objects.filter(name="staff's own").exists()

    def test_what_the_relays_do_now_is_scheduled_no_more(self) -> None:
        Schedule.objects.create(name="release held messages", func="notifications.schedules.release_held")
        schedules.install()
        assert not Schedule.objects.filter(name="release held messages").exists()

    def test_every_task_exists_and_may_run_twice(self, settings: Settings) -> None:
        from django.utils.module_loading import import_string  # noqa: PLC0415

        tasks = [import_string(task) for task, _ in settings.SCHEDULES.values()]
        for task in tasks:
            task()  # what there is to do, such as telling that no relay is running
        for task in tasks:
            assert task() == task()


def test_a_real_cluster_does_all_of_it_and_shows_what_fails(qcluster: Any, payment_gateway: GatewayProcess) -> None:
    soon = SlotFactory(starts_at=timezone.now() + timedelta(hours=3), capacity=10)
    kept = booked(payment_gateway, slot=soon)
    cancelled = booked(payment_gateway, slot=SlotFactory())
    cancellation.cancel(cancelled.pk)
    unpaid = orders.open_order(user=CustomerFactory(), slot_id=soon.pk, quantity=4)
    Order.objects.filter(pk=unpaid.pk).update(hold_expires_at=timezone.now())

    clusters = [
        qcluster(SANDBOX_GATEWAY_URL=payment_gateway.url, SANDBOX_GATEWAY_SECRET=SECRET)
        for _ in range(2)  # one beside the other does no harm
    ]
    wait_until(lambda: all("ready for work" in cluster.printed() for cluster in clusters), seconds=60)
    wait_until(lambda: Refund.objects.filter(status="succeeded").exists(), seconds=60)
    wait_until(lambda: Slot.objects.get(pk=soon.pk).seats_taken == 1, seconds=60)
    wait_until(lambda: len(messages("booking.reminder")) == 3, seconds=60)
    wait_until(lambda: Failure.objects.filter(func="tests.stage.qcluster.fail").exists(), seconds=60)
    assert "the task went wrong, as told" in Failure.objects.filter(func="tests.stage.qcluster.fail")[0].result
    wait_until(lambda: Success.objects.filter(func="bookings.schedules.expire_holds").exists(), seconds=60)
    kept.refresh_from_db()
    assert kept.reminded_at is not None
    assert [cluster.stop() for cluster in clusters] == [0, 0]
    logged = "".join(cluster.printed() for cluster in clusters)
    assert re.search("ERROR django-q .*fail.*the task went wrong, as told", logged)
