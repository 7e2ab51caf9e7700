"""A slot that moves: everyone booked is told both hours, reminded anew, and may cancel for a full refund."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from bookings import announcements, cancellation, orders, reminders, slots, verification
from bookings.business import Business
from bookings.errors import NotMovable
from bookings.models import Booking, Refund, Slot
from notifications.content.rendering import render
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.admin_forms import form_at
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import at_once, booked, messages

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def booking(payment_gateway: GatewayProcess) -> Booking:
    return booked(payment_gateway, slot=SlotFactory())


def told_hours() -> list[tuple[datetime, datetime]]:
    """Of each slot.moved by SMS: the old and the new hour."""
    by_sms = [message.context for message in messages("slot.moved") if message.channel == "sms"]
    return [tuple(datetime.fromisoformat(each[name]) for name in ("old_starts_at", "starts_at")) for each in by_sms]


def test_everyone_booked_is_told_the_old_and_the_new_hour_once(
    booking: Booking, payment_gateway: GatewayProcess
) -> None:
    slot = booking.slot
    other = booked(payment_gateway, slot=slot)
    gone = booked(payment_gateway, slot=slot)
    cancellation.cancel(gone.pk)
    was, will = slot.starts_at, slot.starts_at + 2 * HOUR
    assert slots.move(slot.pk, starts_at=will) == 2
    assert sum(at_once(slots.tell_of_moves)) == 0
    assert told_hours() == [(was, will)] * 2
    slot.refresh_from_db()
    assert slot.ends_at == will + 2 * HOUR, "it keeps its length"
    assert {message.about.reference for message in messages("slot.moved")} == {booking.reference, other.reference}


def test_a_reminder_that_waits_is_withdrawn_and_comes_again_with_the_new_hour(booking: Booking) -> None:
    was = booking.slot.starts_at
    assert reminders.queue_due(now=was - HOUR) == 1
    will = was + 48 * HOUR
    slots.move(booking.slot_id, starts_at=will, now=was - HOUR)
    old = messages("booking.reminder")
    assert {message.status for message in old} == {"cancelled"}
    assert reminders.queue_due(now=was - HOUR) == 0
    assert reminders.queue_due(now=will - HOUR) == 1
    new = [message for message in messages("booking.reminder") if message not in old]
    assert len(new) == 3
    assert {datetime.fromisoformat(message.context["starts_at"]) for message in new} == {will}
    assert {message.expires_at for message in new} == {will}


def test_moved_back_and_forth_every_move_is_told_and_every_reminder_comes(booking: Booking) -> None:
    first, second = booking.slot.starts_at, booking.slot.starts_at + HOUR
    for number, hour in enumerate((second, first, second, first)):
        at = first - timedelta(hours=20) + timedelta(minutes=number)
        assert slots.move(booking.slot_id, starts_at=hour, now=at) == 1
        assert reminders.queue_due(now=at) == 1
    assert told_hours() == [(first, second), (second, first)] * 2
    waiting = [each for each in messages("booking.reminder") if each.status in ("queued", "pending")]
    assert {datetime.fromisoformat(each.context["starts_at"]) for each in waiting} == {first}


def test_moved_again_each_is_told_from_the_hour_that_they_were_last_told(
    booking: Booking, payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first move was interrupted after one of them was told."""
    other = booked(payment_gateway, slot=booking.slot)
    first = booking.slot.starts_at
    second, third = first + HOUR, first + 2 * HOUR
    with monkeypatch.context() as interrupted:
        interrupted.setattr(slots, "tell_of_moves", partial(slots.tell_of_moves, limit=1))
        assert slots.move(booking.slot_id, starts_at=second) == 1
    assert slots.move(booking.slot_id, starts_at=third) == 2
    assert sorted(told_hours()) == [(first, second), (first, third), (second, third)]
    assert reminders.queue_due(now=third - HOUR) == 2
    assert reminders.queue_due(now=third - HOUR) == 0
    told = {booking.reference: 6, other.reference: 3}
    assert Counter(message.about.reference for message in messages("slot.moved")) == told
    assert {datetime.fromisoformat(each.context["starts_at"]) for each in messages("booking.reminder")} == {third}
    assert len(messages("booking.reminder")) == 6


def test_moved_there_and_back_before_anybody_was_told_nothing_is_said(booking: Booking) -> None:
    first = booking.slot.starts_at
    assert reminders.queue_due(now=first - HOUR) == 1
    for hour in (first + HOUR, first):
        Slot.objects.update(starts_at=hour)
    assert slots.tell_of_moves(now=first - HOUR) == 0
    assert {message.status for message in messages("booking.reminder")} <= {"queued", "pending"}


@pytest.mark.parametrize(
    "later", [timedelta(0), timedelta(seconds=-5)], ids=["at the same moment", "by a clock behind"]
)
def test_two_moves_are_told_whatever_the_clock_says(booking: Booking, later: timedelta) -> None:
    first, now = booking.slot.starts_at, timezone.now()
    hours = [first + HOUR, first + 2 * HOUR]
    for hour, at in zip(hours, (now, now + later), strict=True):
        assert slots.move(booking.slot_id, starts_at=hour, now=at) == 1
        assert reminders.queue_due(now=hour - HOUR) == 1
    assert told_hours() == [(first, hours[0]), (hours[0], hours[1])]
    waiting = [each for each in messages("booking.reminder") if each.status in ("queued", "pending")]
    assert [datetime.fromisoformat(each.context["starts_at"]) for each in waiting] == [hours[1]] * 3


@pytest.mark.parametrize("gone", [HOUR, timedelta(0)], ids=["an hour ago", "now"])
def test_no_slot_is_moved_to_a_time_that_has_come(booking: Booking, gone: timedelta) -> None:
    """Nobody would be told, and nobody could cancel any more."""
    now = timezone.now()
    Booking.objects.update(starts_at=None)
    with pytest.raises(NotMovable, match="still to come"):
        slots.move(booking.slot_id, starts_at=now - gone, now=now)
    assert Slot.objects.get().starts_at == booking.slot.starts_at
    assert Booking.objects.get().starts_at is None
    assert told_hours() == []


def test_a_slot_moves_to_the_next_moment(booking: Booking) -> None:
    now = timezone.now()
    assert slots.move(booking.slot_id, starts_at=now + timedelta(seconds=1), now=now) == 1


def test_nobody_is_reminded_of_an_hour_before_they_are_told_of_it(booking: Booking) -> None:
    Slot.objects.update(starts_at=booking.slot.starts_at + HOUR)  # by whatever way
    assert reminders.queue_due(now=booking.slot.starts_at - HOUR) == 0
    assert slots.tell_of_moves() == 1
    assert reminders.queue_due(now=booking.slot.starts_at - HOUR) == 1


def test_who_pays_for_an_order_of_before_the_move_is_told_as_well(payment_gateway: GatewayProcess) -> None:
    slot, customer = SlotFactory(), CustomerFactory()
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    slots.move(slot.pk, starts_at=slot.starts_at + HOUR)
    verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id))
    assert slots.tell_of_moves() == 1
    assert told_hours() == [(slot.starts_at, slot.starts_at + HOUR)]


def test_whoever_does_not_like_the_new_hour_gets_everything_back(booking: Booking) -> None:
    Slot.objects.update(free_cancellation_hours=24 * 30, no_refund_hours=24 * 30)
    slots.move(booking.slot_id, starts_at=timezone.now() + HOUR)
    cancellation.cancel(booking.pk)
    assert Refund.objects.get().amount == booking.payment.amount


def test_who_cancels_before_being_told_gets_everything_back(payment_gateway: GatewayProcess) -> None:
    booking = booked(payment_gateway, slot=SlotFactory(free_cancellation_hours=24 * 30))
    Slot.objects.update(starts_at=booking.slot.starts_at + HOUR)
    cancellation.cancel(booking.pk)
    assert Refund.objects.get().amount == booking.payment.amount
    assert slots.tell_of_moves() == 0


def test_the_refund_rules_of_the_order_hold_whatever_becomes_of_the_slots(booking: Booking) -> None:
    Slot.objects.update(free_cancellation_hours=24 * 365, late_refund_percent=0, no_refund_hours=24 * 365)
    cancellation.cancel(booking.pk)
    assert Refund.objects.get().amount == booking.payment.amount


def test_stricter_rules_of_the_order_hold_as_well(payment_gateway: GatewayProcess) -> None:
    booking = booked(payment_gateway, slot=SlotFactory(free_cancellation_hours=24 * 365, late_refund_percent=50))
    Slot.objects.update(free_cancellation_hours=0, late_refund_percent=100)
    cancellation.cancel(booking.pk)
    assert Refund.objects.get().amount == 625


def test_an_order_of_older_code_goes_by_the_slots_rules(booking: Booking) -> None:
    booking.order.__class__.objects.update(free_cancellation_hours=None, late_refund_percent=None, no_refund_hours=None)
    Slot.objects.update(free_cancellation_hours=24 * 365, late_refund_percent=40)
    cancellation.cancel(booking.pk)
    assert Refund.objects.get().amount == 500


def test_a_booking_of_older_code_is_told_of_a_move(booking: Booking) -> None:
    Booking.objects.update(starts_at=None)
    was = booking.slot.starts_at
    assert slots.move(booking.slot_id, starts_at=was + HOUR) == 1
    assert told_hours() == [(was, was + HOUR)]


def test_nobody_is_told_of_a_slot_that_is_over_or_called_off(booking: Booking) -> None:
    Slot.objects.update(starts_at=timezone.now() - 3 * HOUR, ends_at=timezone.now() - HOUR)
    assert slots.tell_of_moves() == 0
    Slot.objects.update(starts_at=timezone.now() + HOUR, ends_at=timezone.now() + 2 * HOUR, cancelled_at=timezone.now())
    assert slots.tell_of_moves() == 0


def change(client: Client, slot: Slot, **changes: str) -> str:
    """The page that answers the slot's form in the admin, sent as it was shown but for `changes`."""
    address = f"/admin/bookings/slot/{slot.pk}/change/"
    page = client.post(address, form_at(client, address) | changes, follow=True)
    assert page.redirect_chain, page.content.decode()
    return page.content.decode()


def test_staff_move_a_slot_in_the_admin_and_its_customers_are_told(booking: Booking, admin_client: Client) -> None:
    will = booking.slot.starts_at.replace(microsecond=0) + HOUR
    page = change(admin_client, booking.slot, starts_at_0=f"{will:%Y-%m-%d}", starts_at_1=f"{will:%H:%M:%S}")
    assert "The new start is being told to 1 customer." in page
    assert told_hours() == [(booking.slot.starts_at, will)]


def test_a_slot_with_customers_is_not_moved_into_the_past(booking: Booking, admin_client: Client) -> None:
    """They would not be told, and could not cancel any more."""
    address, past = f"/admin/bookings/slot/{booking.slot_id}/change/", timezone.now() - HOUR
    wrong = {"starts_at_0": f"{past:%Y-%m-%d}", "starts_at_1": f"{past:%H:%M:%S}"}
    page = admin_client.post(address, form_at(admin_client, address) | wrong)
    assert page.context["adminform"].form.errors["starts_at"] == [
        "Seats are taken: move the slot to a time that is still to come, or cancel it."
    ]
    assert Slot.objects.get().starts_at == booking.slot.starts_at


def test_a_slot_that_nobody_booked_may_be_moved_anywhere(admin_client: Client) -> None:
    past = timezone.now() - HOUR
    slot = SlotFactory()
    change(admin_client, slot, starts_at_0=f"{past:%Y-%m-%d}", starts_at_1=f"{past:%H:%M:%S}")
    slot.refresh_from_db()
    assert slot.starts_at < timezone.now()


def test_another_change_in_the_admin_tells_nobody(booking: Booking, admin_client: Client) -> None:
    change(admin_client, booking.slot, title="Sunrise kayak tour")
    assert slots.tell_of_moves() == 0
    assert told_hours() == []


def test_the_booking_page_says_what_the_customer_may_do(booking: Booking) -> None:
    browser = Client()
    browser.force_login(booking.user)
    assert "This slot has moved" not in browser.get(f"/bookings/{booking.pk}/").content.decode()
    slots.move(booking.slot_id, starts_at=timezone.now() + HOUR)
    page = browser.get(f"/bookings/{booking.pk}/").content.decode()
    assert "This slot has moved. You may keep your booking, or cancel it and get everything back." in page
    assert page.count("€12.50") == 2, "what was paid, and what is given back"


@pytest.mark.parametrize(
    ("locale", "old", "new"), [("en", "Jul 2, 2040", "Jul 1, 2040"), ("de", "2. Juli 2040", "1. Juli 2040")]
)
@pytest.mark.parametrize("template", ["sms.txt", "whatsapp.txt", "email.txt", "email.html"])
def test_the_words_name_the_hours_and_the_refund_on_every_channel(
    locale: str, old: str, new: str, template: str
) -> None:
    hours = {"starts_at": "2040-07-01T18:00:00+00:00", "old_starts_at": "2040-07-02T09:00:00+00:00"}
    context = {**announcements.SLOT_MOVED.sample, **hours, "business": Business("Kayaks")}
    words = render("slot.moved", {"words": template}, context, locale=locale, time_zone="UTC")["words"]
    assert old in words or template == "sms.txt", "one segment holds the new hour, the right and the link to the rest"
    assert new in words
    assert any(each in words for each in ("refund", "erstatten", "zurück"))
