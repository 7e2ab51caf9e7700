"""Payments that are none, or not for this order, or that the gateway cannot be asked about: nothing is written."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings.gateways.signing import sign
from bookings.models import Order, Slot
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory, client_of
from tests.stage.gateway import SECRET, GatewayProcess

Count = Callable[[], dict[str, int]]


def signed(order_id: str, payment_id: str) -> dict[str, str]:
    return {"order_id": order_id, "payment_id": payment_id, "signature": sign(SECRET.encode(), order_id, payment_id)}


class TestVerification:
    def test_a_forged_signature(
        self, api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess, everything_written: Count
    ) -> None:
        receipt, before = payment_gateway.pay(order["order_id"]), everything_written()
        for forged in ("0" * 64, receipt["signature"][:-1], receipt["signature"].upper(), "ümläut", "😀"):
            answer = api.post("/api/payments/verify/", receipt | {"signature": forged})
            assert_problem(answer, 400, "invalid_signature")
        assert everything_written() == before

    @pytest.mark.parametrize("field", ["order_id", "payment_id", "signature"])
    @pytest.mark.parametrize("value", [None, "", 7.5, [], {}, True, "x" * 300, "a\x00b"])
    def test_a_field_that_is_missing_or_no_text(self, api: APIClient, field: str, value: Any) -> None:
        whole = {"order_id": "order_1", "payment_id": "pay_1", "signature": "s"}
        answer = api.post("/api/payments/verify/", whole | {field: value})
        if value == 7.5:  # the REST framework reads a number as its digits
            assert_problem(answer, 400, "invalid_signature")
        elif value == "a\x00b":
            assert_problem(answer, 400, "parse_error")
        else:
            assert_problem(answer, 400, "invalid_input", field)
        whole.pop(field)
        assert_problem(api.post("/api/payments/verify/", whole), 400, "invalid_input", field)

    def test_a_payment_of_another_order(
        self,
        api: APIClient,
        slot: Slot,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
    ) -> None:
        """Signed as if it belonged to this order: the gateway itself knows better."""
        other = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}).json()
        payment, before = payment_gateway.pay(other["order_id"])["payment_id"], everything_written()
        answer = api.post("/api/payments/verify/", signed(order["order_id"], payment))
        assert_problem(answer, 400, "invalid_signature")
        assert everything_written() == before

    def test_one_payment_for_two_orders(
        self,
        api: APIClient,
        slot: Slot,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
    ) -> None:
        receipt = payment_gateway.pay(order["order_id"])
        assert api.post("/api/payments/verify/", receipt).status_code == 201
        other = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}).json()
        before = everything_written()
        answer = api.post("/api/payments/verify/", receipt | {"order_id": other["order_id"]})
        assert_problem(answer, 400, "invalid_signature")
        answer = api.post("/api/payments/verify/", signed(other["order_id"], receipt["payment_id"]))
        assert_problem(answer, 400, "invalid_signature")
        assert everything_written() == before

    def test_another_users_order(
        self, order: dict[str, Any], payment_gateway: GatewayProcess, everything_written: Count
    ) -> None:
        receipt, stranger = payment_gateway.pay(order["order_id"]), client_of(CustomerFactory())
        before = everything_written()
        assert_problem(stranger.post("/api/payments/verify/", receipt), 404, "order_not_found")
        assert everything_written() == before

    def test_an_order_that_nobody_opened(self, api: APIClient, payment_gateway: GatewayProcess) -> None:
        assert_problem(api.post("/api/payments/verify/", signed("order_none", "pay_none")), 404, "order_not_found")

    def test_ids_that_could_be_cut_elsewhere(
        self, api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess
    ) -> None:
        """`order_A|pay_B` with the payment `x` is signed like `order_A` with the payment `pay_B|x`."""
        payment = payment_gateway.pay(order["order_id"])["payment_id"]
        receipt = {
            **signed(order["order_id"], f"{payment}|x"),
            "order_id": f"{order['order_id']}|{payment}",
            "payment_id": "x",
        }
        assert_problem(api.post("/api/payments/verify/", receipt), 400, "invalid_signature")

    @pytest.mark.parametrize("wishes", [{"amount": 2499}, {"amount": 2501}, {"currency": "USD"}])
    def test_another_amount_or_currency(
        self,
        api: APIClient,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
        wishes: dict[str, Any],
    ) -> None:
        receipt, before = payment_gateway.pay(order["order_id"], **wishes), everything_written()
        assert_problem(api.post("/api/payments/verify/", receipt), 409, "amount_mismatch")
        assert everything_written() == before | {"Payment": 1}, "on record, for staff to decide"

    @pytest.mark.parametrize("state", ["created", "authorized", "failed"])
    def test_a_payment_that_was_not_captured(
        self,
        api: APIClient,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
        state: str,
    ) -> None:
        receipt, before = payment_gateway.pay(order["order_id"], state=state), everything_written()
        body = assert_problem(api.post("/api/payments/verify/", receipt), 409, "payment_not_captured")
        assert state in body["detail"]
        assert everything_written() == before

    def test_a_payment_that_the_gateway_does_not_know(self, api: APIClient, order: dict[str, Any]) -> None:
        answer = api.post("/api/payments/verify/", signed(order["order_id"], "pay_unheard_of"))
        assert_problem(answer, 409, "payment_not_captured")

    def test_sold_out_leaves_the_payment_and_its_refund_on_record(
        self,
        api: APIClient,
        slot: Slot,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
    ) -> None:
        receipt = payment_gateway.pay(order["order_id"])
        Order.objects.update(hold_expires_at="2020-01-01T00:00:00Z")
        client_of(CustomerFactory()).post("/api/orders/", {"slot": slot.pk, "quantity": 10})
        for _ in range(2):
            assert_problem(api.post("/api/payments/verify/", receipt), 409, "sold_out")
        written = everything_written()
        assert (written["Payment"], written["Refund"], written["Booking"]) == (1, 1, 0)


class TestGatewayTrouble:
    def test_down(
        self,
        api: APIClient,
        slot: Slot,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
    ) -> None:
        receipt, before = payment_gateway.pay(order["order_id"]), everything_written()
        payment_gateway.is_in_the_mood(down=True)
        for answer in (
            api.post("/api/payments/verify/", receipt),
            api.post("/api/orders/", {"slot": slot.pk, "quantity": 1}),
        ):
            assert_problem(answer, 503, "gateway_unavailable")
            assert int(answer["Retry-After"]) > 0
        assert everything_written() == before
        payment_gateway.is_in_the_mood()
        assert api.post("/api/payments/verify/", receipt).status_code == 201, "the same payment goes through afterwards"

    def test_slow(
        self,
        api: APIClient,
        order: dict[str, Any],
        payment_gateway: GatewayProcess,
        everything_written: Count,
        settings: Settings,
    ) -> None:
        settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS = 0.2
        receipt, before = payment_gateway.pay(order["order_id"]), everything_written()
        payment_gateway.is_in_the_mood(delay=5)
        assert_problem(api.post("/api/payments/verify/", receipt), 503, "gateway_unavailable")
        assert everything_written() == before

    def test_nobody_there(
        self, api: APIClient, slot: Slot, settings: Settings, everything_written: Count, payment_gateway: GatewayProcess
    ) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            settings.SANDBOX_GATEWAY_URL = f"http://127.0.0.1:{unused.getsockname()[1]}"
            answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": 1})
        assert_problem(answer, 503, "gateway_unavailable")
        assert not any(everything_written().values())
