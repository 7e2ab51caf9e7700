"""Hidden slots are not shown and not booked; a place's link is a link, and its time zone is one."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from bookings import orders
from bookings.errors import SlotIsHidden
from bookings.models import Slot
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_hidden_slot_is_neither_shown_nor_booked() -> None:
    slot, customer = SlotFactory(is_published=False), CustomerFactory()
    api = client_of(customer)
    assert api.get("/api/slots/").json()["count"] == 0
    assert api.get(f"/api/slots/{slot.pk}/").status_code == 404
    assert Client().get(f"/slots/{slot.pk}/").status_code == 404
    answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_not_offered")


def test_it_is_the_statement_that_takes_the_seats_that_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = SlotFactory()
    stale = Slot.objects.get(pk=slot.pk)
    Slot.objects.update(is_published=False)
    assert stale.is_published
    assert not stale.take_seats(1)
    slot.refresh_from_db()
    assert slot.seats_taken == 0
    with pytest.raises(SlotIsHidden):
        orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    Slot.objects.update(is_published=True)
    assert stale.take_seats(1)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "https://a b", 'https://a"onclick=', "ftp://a"]
)
def test_a_map_link_is_a_link(url: str) -> None:
    slot = SlotFactory.build(map_url=url, ends_at=SlotFactory.build().ends_at)
    with pytest.raises(ValidationError, match="must begin with https"):
        slot.full_clean()
    with pytest.raises(IntegrityError, match="slot_map_url_is_a_link"), transaction.atomic():
        slot.save()


@pytest.mark.parametrize("zone", ["Berlin", "../etc/passwd", "\x00", "Europe/Nowhere"])
def test_a_time_zone_is_one_of_the_iana_database(zone: str) -> None:
    with pytest.raises(ValidationError, match=r"is no time zone|Null characters"):
        SlotFactory.build(time_zone=zone).full_clean()


def test_without_one_the_businesss_counts(settings: object) -> None:
    settings.BUSINESS = {**settings.BUSINESS, "time_zone": "Europe/Berlin"}
    assert SlotFactory.build().zone == "Europe/Berlin"
    assert SlotFactory.build(time_zone="Asia/Tokyo").zone == "Asia/Tokyo"
