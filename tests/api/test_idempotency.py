"""Idempotency-Key: a client that asks twice gets one order, whatever became of its first try."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from rest_framework.test import APIClient

from bookings import orders
from bookings.errors import GatewayUnavailable
from bookings.models import Order, Slot
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.stage.gateway import GatewayProcess

KEY = {"headers": {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}}


def test_the_same_again_answers_the_same_order(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    first = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}, **KEY)
    again = api.post("/api/orders/", {"quantity": 2, "slot": slot.pk}, **KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    slot.refresh_from_db()
    assert (Order.objects.count(), slot.seats_taken) == (1, 2)


def test_the_same_again_asks_the_gateway_nothing(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    """The client that lost the answer gets it, although the gateway is down by now."""
    first = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}, **KEY).json()
    payment_gateway.is_in_the_mood(down=True)
    again = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}, **KEY)
    assert (again.status_code, again.json()["order_id"]) == (200, first["order_id"])


def test_another_body_is_refused(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}, **KEY)
    for body in ({"slot": slot.pk, "quantity": 3}, {"slot": SlotFactory().pk, "quantity": 2}):
        assert_problem(api.post("/api/orders/", body, **KEY), 422, "idempotency_key_reused")
    assert Order.objects.count() == 1


def test_keys_are_each_users_own(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    body = {"slot": slot.pk, "quantity": 2}
    first, other = (client.post("/api/orders/", body, **KEY) for client in (api, client_of(CustomerFactory())))
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


def test_another_key_is_another_order(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    body = {"slot": slot.pk, "quantity": 2}
    made = [api.post("/api/orders/", body, headers={"Idempotency-Key": key}).json()["id"] for key in ("a", "b", "a")]
    assert made[0] == made[2] != made[1]


def test_without_a_key_every_request_is_an_order(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    body = {"slot": slot.pk, "quantity": 2}
    assert [api.post("/api/orders/", body).status_code for _ in range(2)] == [201, 201]
    assert Order.objects.count() == 2


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 201, "tab\there"])
def test_a_key_that_is_none_is_refused(api: APIClient, slot: Slot, key: str) -> None:
    answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}, headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "invalid_input", "Idempotency-Key")
    assert not Order.objects.exists()


def test_eight_at_once_make_one_order(customer: Any, slot: Slot, payment_gateway: GatewayProcess) -> None:
    barrier = threading.Barrier(8)

    def ask(_: int) -> Any:
        try:
            barrier.wait(timeout=20)
            return client_of(customer).post("/api/orders/", {"slot": slot.pk, "quantity": 1}, **KEY).json()
        finally:
            connection.close()

    payment_gateway.is_in_the_mood(delay=0.1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len({(answer["id"], answer["order_id"]) for answer in answers}) == 1
    slot.refresh_from_db()
    assert (Order.objects.count(), slot.seats_taken) == (1, 1)


def test_a_try_that_the_gateway_did_not_answer_can_be_repeated(
    api: APIClient, slot: Slot, payment_gateway: GatewayProcess
) -> None:
    body = {"slot": slot.pk, "quantity": 2}
    payment_gateway.is_in_the_mood(down=True)
    assert_problem(api.post("/api/orders/", body, **KEY), 503, "gateway_unavailable")
    payment_gateway.is_in_the_mood()
    assert api.post("/api/orders/", body, **KEY).status_code == 201
    slot.refresh_from_db()
    assert (Order.objects.count(), slot.seats_taken) == (1, 2)


def test_a_try_that_died_before_the_gateway_answered_is_completed(
    api: APIClient, customer: Any, slot: Slot, payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(order: Order) -> Order:
        raise Killed

    key = KEY["headers"]["Idempotency-Key"]
    with monkeypatch.context() as patched:
        patched.setattr(orders, "_at_the_gateway", die)
        with pytest.raises(Killed):
            orders.open_order(user=customer, slot_id=slot.pk, quantity=2, idempotency_key=key)
    answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}, **KEY)
    assert answer.status_code == 200
    assert answer.json()["order_id"] == Order.objects.get().gateway_order_id != ""


def test_an_order_that_was_forgotten_meanwhile_is_not_answered(
    customer: Any, slot: Slot, payment_gateway: GatewayProcess
) -> None:
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=2)
    Order.objects.all().delete()
    with pytest.raises(GatewayUnavailable):
        orders._at_the_gateway(order)


def test_the_database_itself_refuses_a_second_order(customer: Any, slot: Slot, payment_gateway: GatewayProcess) -> None:
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=2, idempotency_key="k")
    order.pk, order.gateway_order_id = None, "another"
    with pytest.raises(IntegrityError, match="idempotency_key_is_one_order"), transaction.atomic():
        order.save(force_insert=True)


def test_an_order_that_another_try_completed_is_not_forgotten(
    customer: Any, slot: Slot, payment_gateway: GatewayProcess
) -> None:
    """The first try got no answer from the gateway; the second, beside it, did."""
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=2)
    payment_gateway.is_in_the_mood(down=True)
    with pytest.raises(GatewayUnavailable):
        orders._at_the_gateway(order)
    slot.refresh_from_db()
    assert (Order.objects.get().gateway_order_id, slot.seats_taken) == (order.gateway_order_id, 2)
