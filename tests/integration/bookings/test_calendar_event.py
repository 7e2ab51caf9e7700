"""The calendar file, read by a library: it moves and ends with its booking, and holds what was typed as text."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from icalendar import Calendar

from bookings import cancellation, slots
from bookings.announcements import A_BOOKING
from bookings.calendar_event import event_of
from bookings.documents import calendar_file, receipt, ticket
from bookings.models import Booking
from notifications.outbox import Facts
from notifications.testing import drain
from tests.factories.bookings import SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import booked

NAMES = (
    "Дмитрий",
    "محمد بن سلمان",
    "山田太郎 さん",
    "김철수",
    "王小明",
    "ไทย 🎉",
    "<b>&amp;</b> (]) \\) Tj",
    "a" * 150,
)


def _event(content: bytes) -> tuple[str, Any]:
    calendar = Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


def _facts(locale: str = "en", **context: Any) -> Facts:
    return Facts("booking.confirmed", "email", {**A_BOOKING, **context}, locale, "Europe/Berlin", 1, "ann@example.com")


@pytest.mark.django_db(transaction=True)
def test_one_event_is_confirmed_moved_and_cancelled(payment_gateway: GatewayProcess) -> None:
    booking = booked(payment_gateway, slot=SlotFactory(place="Harbour; Hamburg, 1"))
    confirmed = next(sent for sent in drain() if sent.channel == "email")
    slots.move(booking.slot_id, starts_at=booking.slot.starts_at + timedelta(days=1))
    moved = next(sent for sent in drain() if sent.channel == "email")
    cancellation.cancel(booking.pk)
    cancelled = next(sent for sent in drain() if sent.channel == "email")

    name = f"booking-{booking.pk}.ics"
    read = [_event(sent.file(name).content) for sent in (confirmed, moved, cancelled)]
    assert [method for method, _ in read] == ["REQUEST", "REQUEST", "CANCEL"]
    events = [event for _, event in read]
    assert len({str(event["UID"]) for event in events}) == 1
    sequences = [int(event["SEQUENCE"]) for event in events]
    assert sequences == sorted(set(sequences))
    assert events[1]["DTSTART"].dt == Booking.objects.get().slot.starts_at.replace(microsecond=0)
    assert str(events[0]["LOCATION"]) == "Harbour; Hamburg, 1"
    assert "text/calendar; method=CANCEL" in [file.content_type for file in cancelled.files]
    assert confirmed.file(f"receipt-{booking.pk}.pdf").content.startswith(b"%PDF-")
    assert [file.name for file in confirmed.files if file.cid == "ticket"] == [f"ticket-{booking.pk}.png"]


def test_what_was_typed_adds_no_line_to_it() -> None:
    title = "Tour\r\nATTENDEE:mailto:evil@example.com\nEND:VEVENT\u2028; a, b\\n"
    content = calendar_file.of_booking(_facts(title=title))
    _, event = _event(content or b"")
    assert str(event["SUMMARY"]) == "Tour ATTENDEE:mailto:evil@example.com END:VEVENT ; a, b\\n"
    assert str(event["ATTENDEE"]) == "mailto:ann@example.com"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_makes_a_receipt_and_the_same_one_each_time(name: str) -> None:
    made = [receipt.of_booking(_facts("de", name=name, title=name)) for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0] or b"").startswith(b"%PDF-1.")
    assert len(made[0] or b"") < 200_000


def test_a_message_of_an_earlier_release_has_none() -> None:
    old = Facts("booking.confirmed", "email", {"booking": 1, "title": "a", "starts_at": "2026-12-01"}, "en", "UTC")
    assert (calendar_file.of_booking(old), receipt.of_booking(old), ticket.of_booking(old)) == (None, None, None)


def test_a_change_is_later_than_the_booking_whatever_the_clocks_say() -> None:
    now = timezone.now()
    booking = Booking(pk=7, created_at=now)
    moved = Booking(pk=7, created_at=now, moved_at=now - timedelta(seconds=2))
    both = Booking(pk=7, created_at=now, moved_at=moved.moved_at, cancelled_at=moved.moved_at)
    assert [event_of(each)["sequence"] for each in (booking, moved, both)] == [0, 1, 2]
