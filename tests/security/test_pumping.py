"""Somebody who earns from SMS, or wants to keep seats from others, finds the limits that production begins with."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings import cancellation, orders, reconciliation, verification
from bookings.errors import LimitReached
from bookings.models import Booking, Order, Slot
from config import limits
from notifications import conf
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.stage.gateway import GatewayProcess
from tests.stage.production import PRODUCTION
from tests.stage.relay import RecordingChannel, drain

ROOT = Path(__file__).resolve().parent.parent.parent
CAPS = [name for name in vars(limits) if name.startswith("OUTBOX_CAP_")]
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_in_production(settings: Settings) -> None:
    """The caps that tests are spared."""
    for name in CAPS:
        setattr(settings, name, getattr(limits, name))


def book(api: APIClient, slot: Slot, gateway: GatewayProcess) -> Any:
    ordered = api.post("/api/orders/", {"slot": slot.pk, "quantity": 1})
    if ordered.status_code == 429:
        return ordered
    return api.post("/api/payments/verify/", gateway.pay(ordered.json()["order_id"]))


def test_order_pay_cancel_in_a_loop_ends_soon(
    api: APIClient, slot: Slot, payment_gateway: GatewayProcess, settings: Settings
) -> None:
    for _ in range(settings.CUSTOMER_CANCELLATIONS_PER_DAY):
        booking = book(api, slot, payment_gateway).json()
        assert api.post(f"/api/bookings/{booking['id']}/cancel/").status_code == 200
    booking = book(api, slot, payment_gateway).json()
    refused = api.post(f"/api/bookings/{booking['id']}/cancel/")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_cancellations")
    assert 23 * 3600 < int(refused["Retry-After"]) <= 24 * 3600 + 1
    assert Booking.objects.get(pk=booking["id"]).status == "confirmed"


def test_bookings_have_a_limit_as_well(
    api: APIClient, payment_gateway: GatewayProcess, settings: Settings, customer: Any
) -> None:
    settings.CUSTOMER_BOOKINGS_PER_DAY = 3
    slots = SlotFactory.create_batch(4)
    assert [book(api, slot, payment_gateway).status_code for slot in slots] == [201, 201, 201, 429]
    Order.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert book(api, slots[-1], payment_gateway).status_code == 201


def test_cancellations_at_once_count_each_other(
    customer: Any, payment_gateway: GatewayProcess, settings: Settings
) -> None:
    settings.CUSTOMER_CANCELLATIONS_PER_DAY, api = 2, client_of(customer)
    booked = [book(api, SlotFactory(), payment_gateway).json()["id"] for _ in range(6)]

    def cancel(booking: int) -> bool:
        try:
            cancellation.cancel(booking)
        except LimitReached:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as side_by_side:
        assert sum(side_by_side.map(cancel, booked)) == 2


def test_a_slot_that_moved_and_what_staff_cancel_have_no_limit(
    customer: Any, payment_gateway: GatewayProcess, settings: Settings
) -> None:
    settings.CUSTOMER_CANCELLATIONS_PER_DAY, api = 1, client_of(customer)
    first, second, third = (book(api, SlotFactory(), payment_gateway).json()["id"] for _ in range(3))
    cancellation.cancel(first)
    Booking.objects.filter(pk=second).update(moved_at=timezone.now())
    assert cancellation.cancel(second).status == "cancelled"
    assert cancellation.cancel(third, by_staff=True).status == "cancelled"


def test_thirty_declined_payments_make_one_set_of_messages(customer: Any, payment_gateway: GatewayProcess) -> None:
    order, now = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1), timezone.now()

    def decline(*, at: Any) -> None:
        payment = payment_gateway.pay(order.gateway_order_id, state="failed")
        with pytest.raises(verification.PaymentNotCaptured):
            verification.look_at(order, payment["payment_id"], now=at)

    for seconds in range(30):
        decline(at=now + timedelta(seconds=seconds))
    assert OutboxMessage.objects.filter(kind="payment.failed").count() == 3

    decline(at=now + HOUR + timedelta(minutes=1))
    assert OutboxMessage.objects.filter(kind="payment.failed").count() == 6


def test_three_requests_do_not_hold_all_seats_of_a_slot(api: APIClient, payment_gateway: GatewayProcess) -> None:
    slot = SlotFactory(capacity=250)
    answers = [api.post("/api/orders/", {"slot": slot.pk, "quantity": seats}) for seats in (100, 20, 1)]

    assert [answer.status_code for answer in answers] == [409, 201, 429]
    assert [answers[0].json()["code"], answers[2].json()["code"]] == ["too_many_seats", "too_many_held_seats"]
    assert 0 < int(answers[2]["Retry-After"]) <= 15 * 60 + 1
    slot.refresh_from_db()
    assert slot.seats_taken == 20


def test_nor_do_they_quarter_of_an_hour_after_quarter_of_an_hour(
    api: APIClient, payment_gateway: GatewayProcess, settings: Settings
) -> None:
    slot, codes = SlotFactory(capacity=250), []
    for _ in range(settings.CUSTOMER_UNPAID_ORDERS_OF_SLOT + 1):
        answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": 20})
        codes.append(answer.json().get("code"))
        Order.objects.update(hold_expires_at=timezone.now())
        orders.release_all_lapsed_holds()

    assert codes == [None] * settings.CUSTOMER_UNPAID_ORDERS_OF_SLOT + ["too_many_unpaid_orders"]


def test_requests_at_once_count_each_other(customer: Any, payment_gateway: GatewayProcess, settings: Settings) -> None:
    settings.CUSTOMER_OPEN_ORDERS, slots = 3, SlotFactory.create_batch(8)

    def order(slot: Slot) -> bool:
        try:
            orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
        except LimitReached:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as side_by_side:
        assert sum(side_by_side.map(order, slots)) == 3


def test_an_order_asked_for_twice_at_the_limit_is_still_the_same(
    customer: Any, payment_gateway: GatewayProcess, settings: Settings
) -> None:
    settings.CUSTOMER_OPEN_ORDERS = 1
    wanted = {"user": customer, "slot_id": SlotFactory().pk, "quantity": 1, "idempotency_key": "once"}
    assert orders.open_order(**wanted).pk == orders.open_order(**wanted).pk


def test_unpaid_orders_of_one_customer_delay_nobody_elses_booking(
    payment_gateway: GatewayProcess, settings: Settings
) -> None:
    """Three hundred, all older: a sweep by age alone would ask about the paid one in its fourth run."""
    flooder, now = CustomerFactory(), timezone.now()
    common = {"user": flooder, "slot": SlotFactory(), "quantity": 1, "amount": 1250, "currency": "EUR"}
    times = {"hold_expires_at": now - HOUR, "sweep_at": now - HOUR, "created_at": now - 2 * HOUR}
    Order.objects.bulk_create(
        Order(gateway="sandbox", gateway_order_id=f"order_{number}", status="lapsed", **common, **times)
        for number in range(300)
    )
    paid = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    payment_gateway.pay(paid.gateway_order_id)

    assert reconciliation.run(limit=2).booked == 1


def test_of_one_customers_orders_the_open_ones_come_first_and_then_the_latest(customer: Any) -> None:
    now = timezone.now()
    common = {"user": customer, "slot": SlotFactory(), "quantity": 1, "amount": 1250, "currency": "EUR"}
    times = {"hold_expires_at": now, "sweep_at": now - HOUR}
    made = [
        Order.objects.create(status=status, created_at=now - age * HOUR, **common, **times)
        for status, age in (("lapsed", 9), ("open", 3), ("lapsed", 2))
    ]
    assert list(reconciliation._in_turn(now=now)) == [made[1].pk, made[2].pk, made[0].pk]


def test_a_relay_sends_one_number_no_more_than_the_caps(settings: Settings) -> None:
    """Whatever publishes: the caps are on without anybody setting them, in this project and in others."""
    from tests.factories.notifications import RecipientFactory, publish  # noqa: PLC0415

    assert {name: getattr(limits, name) for name in CAPS} == {name: conf.DEFAULTS[name] for name in CAPS}
    recipient, channel = RecipientFactory(), RecordingChannel()
    for _ in range(225):
        publish(recipient)
    drain(channel, caps=conf.caps())

    assert len(channel.sent) == settings.OUTBOX_CAP_NUMBER_HOUR


@pytest.mark.parametrize(("countries", "is_refused"), [("", True), ("DE,AT", False), ("*", False)])
def test_production_names_the_countries_it_sends_to(countries: str, is_refused: bool, database_url: str) -> None:
    twilio = {"SMS_PROVIDER": "twilio", "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "t"}
    more = {"TWILIO_SMS_FROM": "+14155550000", "PUBLIC_URL": "https://bookings.example.com"}
    more |= {"EMAIL_URL": "smtp://localhost:25"}  # Django 6.1 itself refuses to print emails in production
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=ROOT,
        env=os.environ
        | PRODUCTION
        | twilio
        | more
        | {"DATABASE_URL": database_url, "OUTBOX_ALLOWED_COUNTRIES": countries, "DJANGO_SSL_REDIRECT": "1"}
        | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("notifications.E014" in checked.stderr) is is_refused, checked.stderr
    assert (checked.returncode != 0) is is_refused
