"""Check-in by code: signed, for staff alone, once; and the list of who comes, safe in a spreadsheet."""

import csv
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.signing import Signer
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings import cancellation, occupancy
from bookings.check_in import InvalidTicket, State, check_in, link_of, look
from bookings.models import Booking
from notifications.admin.csv_file import cell
from notifications.models import OperatorAction
from tests.factories.bookings import CustomerFactory, SlotFactory, booking_of
from tests.factories.staff import staff
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import at_once, booked

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def booking(payment_gateway: GatewayProcess) -> Booking:
    return booked(payment_gateway, slot=SlotFactory(starts_at=timezone.now() + HOUR))


def _token(booking: Booking) -> str:
    return link_of(booking).rstrip("/").rpartition("/")[2]


def test_it_is_done_once_however_many_scan_it(booking: Booking) -> None:
    states = at_once(lambda: check_in(_token(booking), now=timezone.now()).state, times=4)
    assert sorted(states) == [State.ALREADY] * 3 + [State.DONE]
    booking.refresh_from_db()
    first = booking.checked_in_at
    assert first is not None
    assert check_in(_token(booking), now=timezone.now() + HOUR).state is State.ALREADY
    booking.refresh_from_db()
    assert booking.checked_in_at == first


@pytest.mark.parametrize(
    ("at", "change", "slot", "state"),
    [
        (HOUR, None, None, State.DONE),
        (timedelta(hours=-12), None, None, State.TOO_EARLY),
        (3 * HOUR, None, None, State.TOO_LATE),
        (HOUR, None, 0, State.OTHER_SLOT),
        (HOUR, lambda booking: cancellation.cancel(booking.pk), None, State.CANCELLED),
    ],
)
def test_what_stands_against_it_is_said(
    booking: Booking, at: timedelta, change: Callable[[Booking], object] | None, slot: int | None, state: State
) -> None:
    if change:
        change(booking)
    now = booking.slot.starts_at - HOUR + at
    assert check_in(_token(booking), slot_id=slot, now=now).state is state
    booking.refresh_from_db()
    assert (booking.checked_in_at is not None) == (state is State.DONE)


@pytest.mark.parametrize("forge", [lambda pk: f"{pk}:x", str, lambda pk: Signer(salt="other").sign(str(pk))])
def test_a_forged_code_is_no_ticket(booking: Booking, forge: Callable[[int], str]) -> None:
    with pytest.raises(InvalidTicket):
        look(forge(booking.pk), now=timezone.now())


def test_staff_check_in_by_a_click_and_a_camera_alone_changes_nothing(booking: Booking) -> None:
    path = f"/admin/bookings/booking/check-in/{_token(booking)}/"
    assert Client().get(path).status_code == 302
    assert staff("view_booking", name="other").get(path).status_code == 403
    door = staff("check_in", "see_occupancy")
    assert b"can be checked in" in door.get(path).content
    booking.refresh_from_db()
    assert booking.checked_in_at is None
    assert b"Checked in." in door.post(path, follow=True).content
    assert OperatorAction.objects.get(action="check_in").subject == f"booking:{booking.pk}"
    assert door.get("/admin/bookings/booking/check-in/1:forged/").status_code == 404


def test_who_stands_at_another_door_is_told(booking: Booking) -> None:
    other, door = SlotFactory(), staff("check_in", "see_occupancy")
    door.post(f"/admin/bookings/slot/{other.pk}/door/")
    answer = door.post(f"/admin/bookings/booking/check-in/{_token(booking)}/", follow=True)
    assert b"another slot" in answer.content


def test_the_list_says_who_comes_and_is_no_formula(booking: Booking) -> None:
    booking.user.first_name = '=HYPERLINK("https://evil.example")'
    booking.user.save()
    desk = staff("see_occupancy")
    assert b"HYPERLINK" in desk.get(f"/admin/bookings/slot/{booking.slot_id}/occupancy/").content
    table = f"/admin/bookings/slot/{booking.slot_id}/occupancy.csv"
    rows = list(csv.reader(StringIO(desk.get(table).content.decode("utf-8-sig"))))
    assert rows[1][1].startswith("'=HYPERLINK")
    assert rows[1][3].startswith("'+")
    assert staff("view_slot", name="other").get(table).status_code == 403


def test_the_list_takes_the_same_queries_however_many_come(booking: Booking) -> None:
    def listed() -> tuple[int, list[tuple[str, str]]]:
        with CaptureQueriesContext(connection) as asked:
            people = occupancy.guests(booking.slot)
        return len(asked), [(guest.phone, guest.email) for guest in people]

    few, _ = listed()
    for number in range(3):
        other = booking_of(CustomerFactory(phone=f"+1415555016{number}", email=f"g{number}@example.com"))
        Booking.objects.filter(pk=other.pk).update(slot=booking.slot)
    stranger = booking_of(User.objects.create(username="never-written-to", email="new@example.com"))
    Booking.objects.filter(pk=stranger.pk).update(slot=booking.slot)
    many, reached = listed()
    assert many == few == 3
    assert {("+14155550160", "g0@example.com"), ("", "new@example.com")} < set(reached)


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\uff1d1"])
def test_a_formula_is_a_text(value: str) -> None:
    assert str(cell(value)).startswith("'")
