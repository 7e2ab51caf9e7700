"""Customers who want more than they pay for, at a web with production's settings."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from bookings.models import Booking, Order, Slot
from notifications import outbox
from notifications.models import OutboxMessage
from notifications.recipients import inbound
from notifications.recipients.contact import recipient_of
from tests.factories.bookings import SlotFactory
from tests.security.over_http.conftest import program
from tests.stage.browser import Browser, account
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)

VICTIM = "+14155550199"
SIDE_BY_SIDE = 12


def test_three_requests_do_not_hold_a_slot_nor_do_three_pages(api: Any, signed_in: Browser) -> None:
    slot: Slot = SlotFactory(capacity=250)
    for quantity in (100, 100, 50, 20, 20):
        api("POST", "/api/orders/", json={"slot": slot.pk, "quantity": quantity})
    page = f"/slots/{slot.pk}/"
    for _ in range(3):
        signed_in.ask("POST", page, data=signed_in.form_at(page) | {"quantity": "10"})
    slot.refresh_from_db()

    assert slot.seats_taken == 20


def test_orders_at_once_count_each_other(web: str, ann: User) -> None:
    slots, ask = SlotFactory.create_batch(SIDE_BY_SIDE, capacity=10), program(web, ann)

    def order(slot: Slot) -> int:
        return int(ask("POST", "/api/orders/", json={"slot": slot.pk, "quantity": 1}).status_code)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as at_once:
        answers = list(at_once.map(order, slots))
    assert Order.objects.filter(status="open").count() == 10
    assert sorted(answers) == [201] * 10 + [429] * 2


def test_one_payment_told_from_many_sides_is_one_booking(api: Any, payment_gateway: GatewayProcess) -> None:
    order = api("POST", "/api/orders/", json={"slot": SlotFactory().pk, "quantity": 1}).json()
    proof = payment_gateway.pay(order["order_id"])
    with ThreadPoolExecutor(SIDE_BY_SIDE) as at_once:
        answers = list(at_once.map(lambda _: api("POST", "/api/payments/verify/", json=proof), range(SIDE_BY_SIDE)))

    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert Booking.objects.count() == 1


def test_the_last_seat_goes_to_one(web: str, payment_gateway: GatewayProcess) -> None:
    slot: Slot = SlotFactory(capacity=1)
    customers = [program(web, account(f"c{number}")) for number in range(SIDE_BY_SIDE)]

    def order(ask: Any) -> int:
        return int(ask("POST", "/api/orders/", json={"slot": slot.pk, "quantity": 1}).status_code)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as at_once:
        answers = list(at_once.map(order, customers))
    assert sorted(answers) == [201] + [409] * (SIDE_BY_SIDE - 1)


def test_booking_and_cancelling_in_a_loop_ends_soon(api: Any, payment_gateway: GatewayProcess) -> None:
    slot, answers = SlotFactory(capacity=100), []
    for _ in range(12):
        order = api("POST", "/api/orders/", json={"slot": slot.pk, "quantity": 1})
        booking = api("POST", "/api/payments/verify/", json=payment_gateway.pay(order.json()["order_id"])).json()
        answers.append(api("POST", f"/api/bookings/{booking['id']}/cancel/").status_code)

    assert answers == [200] * 10 + [429] * 2


@pytest.mark.parametrize("by", ["the API", "the page"])
def test_somebody_elses_number_gets_a_code_and_nothing_else_and_keeps_its_stop(
    by: str, api: Any, signed_in: Browser, ann: User
) -> None:
    victim = account("victim")
    outbox.change_contact(victim, phone=VICTIM)
    inbound.receive(phone=VICTIM, channel="sms", text="STOP")
    if by == "the API":
        assert api("PATCH", "/api/me/", json={"phone": VICTIM, "sms_enabled": True}).status_code == 200
    else:
        form = {"phone": VICTIM, "email": "ann@example.com", "sms_enabled": "on"}
        assert signed_in.ask("POST", "/accounts/profile/", data=form).status_code == 302
    recipient_of(ann)

    assert outbox.contact_of(ann).phone != VICTIM
    assert set(OutboxMessage.objects.filter(recipient__phone=VICTIM).values_list("kind", flat=True)) <= {
        "account.phone_code"
    }
    assert "sms" in recipient_of(victim).address_opt_outs


def test_codes_are_few_however_they_are_asked_for(web: str, ann: User) -> None:
    """From several accounts and addresses at once: the limits are the account's and the address's."""
    askers = [program(web, user) for user in (ann, account("bob"), account("cid"))]

    def ask(number: int) -> int:
        answer: requests.Response = askers[number % 3]("PATCH", "/api/me/", json={"phone": VICTIM})
        return answer.status_code

    with ThreadPoolExecutor(6) as at_once:
        answers = list(at_once.map(ask, range(24)))
    assert set(answers) == {200, 429}
    assert OutboxMessage.objects.filter(recipient__phone=VICTIM, kind="account.phone_code").count() == 5
