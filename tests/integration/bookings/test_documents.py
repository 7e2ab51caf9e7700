"""What a customer takes along from a booking: for its owner, or for who holds a guest's link, and nobody else."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar
from PIL import Image

from bookings import cancellation
from bookings.accounts import GUEST
from bookings.booking_links import token_of
from bookings.models import Booking
from bookings.pages.documents import Document
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import booked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def booking(payment_gateway: GatewayProcess) -> Booking:
    slot = SlotFactory(
        place="Harbour Street 1, <b>Hamburg</b>",
        map_url="https://maps.example/?q=1&z=2",
        time_zone="Europe/Berlin",
        description="Bring a towel.\n\n<script>alert(1)</script>",
    )
    return booked(payment_gateway, slot=slot)


@pytest.fixture
def owner(booking: Booking) -> Client:
    client = Client()
    client.force_login(booking.user)
    return client


def path_of(booking: Booking, document: Document) -> str:
    return f"/bookings/{booking.pk}/{document}"


def test_the_owner_takes_the_event_the_receipt_and_the_code(owner: Client, booking: Booking) -> None:
    found = {each: owner.get(path_of(booking, each)) for each in Document}
    (event,) = Calendar.from_ical(found[Document.CALENDAR].content).walk("VEVENT")
    assert Calendar.from_ical(found[Document.CALENDAR].content)["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event
    assert event["DTSTART"].dt == booking.slot.starts_at.replace(microsecond=0)
    assert str(event["URL"]).endswith(f"/b/{token_of(booking.pk)}/")
    assert found[Document.RECEIPT].content.startswith(b"%PDF-")
    assert found[Document.CODE].content.startswith(b"\x89PNG")
    for document, answer in found.items():
        kept = "inline" if document is Document.CODE else "attachment"
        assert answer.headers["Content-Disposition"].startswith(f'{kept}; filename="'), document
        assert "no-store" in answer.headers["Cache-Control"], document
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_else_does(booking: Booking) -> None:
    other, stranger = Client(), Client()
    other.force_login(CustomerFactory())
    for document in Document:
        assert other.get(path_of(booking, document)).status_code == 404
        assert stranger.get(path_of(booking, document)).headers["Location"].startswith("/accounts/login/")
        link = f"/b/{token_of(booking.pk)}/{document}"
        assert stranger.get(link).status_code == 404, "the link of a customer with an account opens nothing by itself"
        assert stranger.get(link.replace("-", "-x", 1)).status_code == 404


def test_a_guests_link_leads_to_them(booking: Booking) -> None:
    booking.user.username = f"{GUEST}{booking.user_id}"
    booking.user.set_unusable_password()
    booking.user.save()
    link = f"/b/{token_of(booking.pk)}/"
    shown = Client().get(link).content.decode()
    for document in Document:
        assert f'"{link}{document}"' in shown
        assert Client().get(f"{link}{document}").status_code == 200


def test_a_cancelled_booking_has_its_receipt_alone(owner: Client, booking: Booking) -> None:
    whole = owner.get(path_of(booking, Document.RECEIPT)).content
    cancellation.cancel(booking.pk)
    assert {each: owner.get(path_of(booking, each)).status_code for each in Document} == {
        Document.CALENDAR: 404,
        Document.CODE: 404,
        Document.RECEIPT: 200,
    }
    assert len(owner.get(path_of(booking, Document.RECEIPT)).content) < len(whole), "without the code"
    shown = owner.get(f"/bookings/{booking.pk}/").content.decode()
    assert [f"/{each}" in shown for each in Document] == [False, True, False]


def test_without_a_public_address_there_is_no_code(owner: Client, booking: Booking, settings: Any) -> None:
    settings.PUBLIC_URL = ""
    assert owner.get(path_of(booking, Document.CODE)).status_code == 404
    assert owner.get(path_of(booking, Document.CALENDAR)).status_code == 200
    assert "code.png" not in owner.get(f"/bookings/{booking.pk}/").content.decode()


def test_the_pages_say_where_it_is(owner: Client, booking: Booking) -> None:
    for page in (f"/slots/{booking.slot_id}/", f"/bookings/{booking.pk}/"):
        shown = owner.get(page).content.decode()
        assert "Harbour Street 1, &lt;b&gt;Hamburg" in shown
        assert 'href="https://maps.example/?q=1&amp;z=2"' in shown
        assert "CET" in shown or "CEST" in shown
    assert "<p>Bring a towel.</p>" in owner.get(f"/slots/{booking.slot_id}/").content.decode()
    assert "<script>alert" not in owner.get(f"/slots/{booking.slot_id}/").content.decode()


def test_each_page_says_whose_it_is(tmp_path: Path, settings: Any) -> None:
    said = {"address": ("Harbour 1", "Hamburg"), "email": "hi@kayaks.example", "phone": "+49 40 1", "legal": ("HRB 1",)}
    settings.BUSINESS = {**settings.BUSINESS, "name": "Kayaks & Co", **said}
    home = Client().get("/").content.decode()
    for words in ("Kayaks &amp; Co", "Harbour 1", "mailto:hi@kayaks.example", "tel:+49401", "HRB 1"):
        assert words in home
    assert Client().get("/logo/").status_code == 404
    assert "/logo/" not in home
    Image.new("RGB", (40, 20), "navy").save(tmp_path / "logo.png")
    settings.BUSINESS_LOGO = str(tmp_path / "logo.png")
    assert 'src="/logo/" alt="Kayaks &amp; Co"' in Client().get("/").content.decode()
    assert Client().get("/logo/").headers["Content-Type"] == "image/png"


def test_a_place_far_away_keeps_its_day_and_its_clock() -> None:
    there = SlotFactory(starts_at="2040-06-30T23:30:00Z", ends_at="2040-07-01T01:00:00Z", time_zone="Asia/Tokyo")
    odd = SlotFactory(starts_at=there.starts_at, ends_at=there.ends_at, time_zone="Mars/Base", title="odd")
    july, june = (Client().get("/", {"month": month}).content.decode() for month in ("2040-07", "2040-06"))
    assert f'/slots/{there.pk}/"><time' in july
    assert "8:30 AM JST" in july
    assert f"/slots/{there.pk}/" not in june
    assert f"/slots/{odd.pk}/" in june, "by the business's time zone"
    assert timezone.get_current_timezone_name() == "UTC"
