"""Staff's pages at the door, of money and of many rows: none is wider than the screen, axe finds no serious fault."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from bookings import bulk_actions, check_in
from bookings.models import Booking, Slot
from notifications.models import Usage
from notifications.operations import bulk_rows
from notifications.recipients.contact import recipient_of
from tests.browser.axe import faults, serious
from tests.browser.support import picture
from tests.factories.bookings import CustomerFactory, SlotFactory, booking_of
from tests.factories.notifications import publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
SLOTS = reverse("admin:bookings_slot_changelist")
ADDRESS = "a.very.long.name.of.somebody.who.books.often@subdomain.of.a.long.example.com"


@pytest.fixture
def booking(admin_user: User) -> Booking:
    """Somebody with a long name comes to a slot, and got a message; others have booked what has begun."""
    booked = booking_of(
        CustomerFactory(first_name="Maximiliane-Charlotte", last_name="von Hohenzollern", email=ADDRESS)
    )
    Slot.objects.filter(pk=booked.slot_id).update(starts_at=timezone.now() + timedelta(minutes=20))
    publish_one(recipient_of(booked.user), reference=f"booking:{booked.pk}")
    drain(RecordingChannel())
    for country in ("DE", "US"):
        Usage.objects.create(
            month=timezone.now().date().replace(day=1),
            kind="booking.confirmed.with_a_long_name",
            channel="whatsapp",
            country=country,
            currency="USD",
            sent=1_234_567,
            delivered=1_200_000,
            undelivered=1_000,
            priced=1_234_567,
            segments=2_469_134,
            cost="98765.432100",
        )
    return booked


def many(action: bulk_rows.RowAction, rows: Any, *, steps: int) -> str:
    """The page of an action that has done so many rows."""
    begun = bulk_rows.start(action, rows, actor="ana", reason="a storm is coming")
    for _ in range(steps):
        bulk_rows.work_on_next(begun)
    return reverse("admin:notifications_bulkreplay_change", args=[begun.pk])


@pytest.fixture
def addresses(booking: Booking) -> list[str]:
    """Each page with something on it."""
    past = booking_of(CustomerFactory())
    Slot.objects.filter(pk=past.slot_id).update(starts_at=timezone.now() - timedelta(hours=1))
    Slot.objects.bulk_create(SlotFactory.build(title="Canoe", is_published=False) for _ in range(30))
    done = many(bulk_actions.CANCEL_BOOKINGS, Booking.objects.filter(pk=past.pk), steps=2)
    return [
        reverse("admin:bookings_slot_occupancy", args=[booking.slot_id]),
        reverse("admin:bookings_booking_check_in", args=[check_in._signer().sign(str(booking.pk))]),
        reverse("admin:notifications_recipient_got", args=[recipient_of(booking.user).pk]),
        f"{reverse('admin:notifications_usage_changelist')}?by=month&by=kind&by=channel&by=country",
        many(bulk_actions.PUBLISH_SLOTS, Slot.objects.all(), steps=7),
        done,
        *(reverse("outbox:runbook", args=[name]) for name in ("away", "unconfirmed")),
    ]


def test_no_page_of_staff_is_too_wide_or_shuts_somebody_out(
    open_page: Callable[..., Any], addresses: list[str]
) -> None:
    page = open_page("admin", scheme="dark", is_driven=False)
    found: dict[str, Any] = {}
    for number, address in enumerate(addresses):
        page.goto(address)
        found[address] = looked_at(page, f"staff-{number}")
    for name in ("cancel_selected", "copy_weekly"):
        page.goto(SLOTS)
        choose_all(page, name)
        found[name] = looked_at(page, f"staff-{name}")
    assert {address: each for address, each in found.items() if each} == {}

    page.goto(f"{SLOTS}?q=Canoe")  # from the list to its end, as staff go
    choose_all(page, "cancel_selected")
    assert "30 slots: the first 20" in page.inner_text("#which")
    page.fill("#id_reason", "a storm")
    page.unroute("**/progress.js")
    page.click("input[value='Cancel slots']")
    page.wait_for_selector("text=Cancelled 30 of 30.")
    assert not Slot.objects.filter(title="Canoe", cancelled_at=None).exists()


def choose_all(page: Any, action: str) -> None:
    """Tick everything that matches, and go."""
    page.check("#action-toggle")
    if page.is_visible(".actions .question a"):
        page.click(".actions .question a")
    page.select_option("select[name=action]", action)
    with page.expect_navigation():
        page.click("button[name=index]")


def looked_at(page: Any, name: str) -> list[Any]:
    """What is wrong with the page: its width on both screens, and what axe finds in the dark, which takes a second."""
    wide = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        picture(page, f"{name}-{width}")
        more = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wide += [f"{more} px too wide for {width}"] if more > 0 else []
    return [*serious(faults(page)), *wide]
