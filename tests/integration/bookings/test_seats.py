"""Seats taken equal the orders that hold them; where they do not, it is found, told and repaired."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bookings import cancellation, orders, schedules, seats
from bookings.models import Order, Slot
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import at_once, booked

pytestmark = pytest.mark.django_db(transaction=True)


def check(*options: str) -> tuple[str, int]:
    """What the command printed, and its exit code."""
    out = StringIO()
    try:
        call_command("check_seats", *options, stdout=out)
    except CommandError as error:
        return out.getvalue() + str(error), error.returncode
    return out.getvalue(), 0


@pytest.fixture
def slot(payment_gateway: GatewayProcess) -> Slot:
    """Two seats booked, one held, one booked and cancelled, one hold lapsed."""
    slot: Slot = SlotFactory(capacity=10)
    booked(payment_gateway, slot=slot, quantity=2)
    cancellation.cancel(booked(payment_gateway, slot=slot).pk)
    lapsing = orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    orders.release_all_lapsed_holds(now=lapsing.hold_expires_at)
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    slot.refresh_from_db()
    return slot


def test_what_the_code_wrote_is_right(slot: Slot) -> None:
    assert slot.seats_taken == 3
    assert check() == ("Every slot counts the seats that its orders hold.\n", 0)
    assert check("--verbosity", "0") == ("", 0)


def test_what_somebody_wrote_past_it_is_found_and_repaired(slot: Slot, caplog: pytest.LogCaptureFixture) -> None:
    Slot.objects.filter(pk=slot.pk).update(seats_taken=9)
    said, code = check()
    assert (code, f"Slot {slot.pk} counts 9 of 10 seats as taken; its orders hold 3." in said) == (1, True)
    assert schedules.check_seats() == "1 slots miscounted"
    assert "counts 9 seats as taken, and its orders hold 3" in caplog.text
    said, code = check("--repair")
    assert (code, f"Repaired slot {slot.pk}: 9 seats taken before, 3 now." in said) == (0, True)
    assert check("--repair")[1] == 0
    slot.refresh_from_db()
    assert slot.seats_taken == 3


def test_what_is_oversold_is_said_and_left_alone(slot: Slot) -> None:
    Order.objects.filter(slot=slot, status="open").update(quantity=50)
    said, code = check("--repair")
    assert (code, f"Slot {slot.pk} is oversold by 42" in said) == (1, True)
    slot.refresh_from_db()
    assert slot.seats_taken == 3


def test_a_repair_loses_nothing_that_is_booked_meanwhile(slot: Slot) -> None:
    Slot.objects.filter(pk=slot.pk).update(seats_taken=0)
    turns = iter(["repair", "order"] * 4)

    def repair_or_order() -> None:
        if next(turns) == "repair":
            seats.repair(slot.pk)
        else:
            orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)

    at_once(repair_or_order)
    assert seats.mismatches() == []
    slot.refresh_from_db()
    assert slot.seats_taken == 7


def test_the_metric_counts_slots_to_come(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "token"
    SlotFactory(seats_taken=1)
    past = timezone.now() - timedelta(days=3)
    SlotFactory(seats_taken=1, starts_at=past, ends_at=past + timedelta(hours=1))
    told = client.get("/metrics", headers={"authorization": "Bearer token"}).content.decode()
    assert "bookings_slots_miscounted 1.0" in told
