"""Whatever staff write into a slot's form, the answer is the form with what is wrong, never a 500."""

from typing import Any

import pytest
from django.test import Client

from bookings import orders
from bookings.models import Slot
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.admin_forms import form_at
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/bookings/slot/add/"
SOUND = {
    "reason": "a new season",
    "title": "Morning yoga",
    "starts_at_0": "2040-01-01",
    "starts_at_1": "10:00",
    "ends_at_0": "2040-01-01",
    "ends_at_1": "11:00",
    "capacity": 10,
    "price": 1250,
    "currency": "EUR",
    "free_cancellation_hours": 24,
    "late_refund_percent": 0,
    "no_refund_hours": 0,
}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"price": -1}, "price must be more than nothing"),
        ({"price": 0}, "price must be more than nothing"),
        ({"price": 2**63}, "less than or equal to"),
        ({"ends_at_1": "10:00"}, "must end after it starts"),
        ({"ends_at_0": "2039-12-31"}, "must end after it starts"),
        ({"currency": "eur"}, "three capital letters"),
        ({"currency": "EURO"}, "at most 3 characters"),
        ({"capacity": -1}, "greater than or equal to 0"),
        ({"capacity": 2**31}, "less than or equal to"),
        ({"late_refund_percent": 101}, "At most 100 percent"),
        ({"no_refund_hours": 25}, "free cancellation"),
        ({"title": "x" * 201}, "at most 200 characters"),
        ({"title": "a\x00b"}, "Null characters"),
        ({"starts_at_0": "0000-00-00"}, "valid date"),
    ],
)
def test_what_no_slot_can_be_is_said_in_the_form(admin_client: Client, wrong: dict[str, Any], words: str) -> None:
    page = admin_client.post(ADD, SOUND | wrong)
    assert page.status_code == 200
    assert words in page.content.decode()
    assert not Slot.objects.exists()
    assert admin_client.post(ADD, SOUND).status_code == 302


def change(client: Client, slot: Slot, **wrong: Any) -> Any:
    address = f"/admin/bookings/slot/{slot.pk}/change/"
    return client.post(address, form_at(client, address) | wrong)


def test_a_capacity_below_the_seats_taken_is_said_in_the_form(
    admin_client: Client, payment_gateway: GatewayProcess
) -> None:
    slot = SlotFactory()
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=3)
    page = change(admin_client, slot, capacity=2)
    assert page.status_code == 200
    assert "seats are taken" in page.content.decode()
    slot.refresh_from_db()
    assert slot.capacity == 10
    assert change(admin_client, slot, capacity=3).status_code == 302


def test_what_only_the_database_can_see_is_said_in_the_form(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another request is quicker than the form's own check."""
    slot = SlotFactory()
    from bookings.admin import SlotAdmin  # noqa: PLC0415

    def quicker(self: Any, request: Any, obj: Slot, form: Any, change: bool) -> None:
        Slot.objects.filter(pk=obj.pk).update(seats_taken=11)

    monkeypatch.setattr(SlotAdmin, "save_model", quicker)
    page = change(admin_client, slot, title="Another")
    assert page.status_code == 200
    assert "More seats are taken than this capacity has." in page.content.decode()


def test_a_slot_that_is_booked_cannot_be_deleted_and_says_so(
    admin_client: Client, payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = SlotFactory()
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=3)
    address = f"/admin/bookings/slot/{slot.pk}/delete/"
    assert "Cannot delete slot" in admin_client.get(address).content.decode()
    from bookings.admin import SlotAdmin  # noqa: PLC0415

    monkeypatch.setattr(SlotAdmin, "get_deleted_objects", lambda *_: ([], {}, set(), []))  # nothing, a moment before
    page = admin_client.post(address, {"post": "yes"}, follow=True)
    assert page.status_code == 200
    assert "it cannot be deleted" in page.content.decode()
    assert Slot.objects.exists()
