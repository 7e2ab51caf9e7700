"""Bad input: each with a clear answer in the shape of RFC 9457, and nothing written."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings.gateways.signing import sign
from bookings.models import Order, Slot
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.stage.gateway import SECRET, GatewayProcess

Count = Callable[[], dict[str, int]]


def assert_problem(answer: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    """`answer` is a problem with this status and code; for invalid input, exactly these fields are named."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= body.keys()
    assert (body["status"], body["code"]) == (status, code)
    assert sorted(body.get("errors", ())) == sorted(fields)
    return body


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
        assert everything_written() == before

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


class TestOrders:
    @pytest.mark.parametrize(
        "quantity", [0, -1, 1_000_000_000, "text", "", None, 1.5, "1.5", True, [1], {}, 10**30, "1" * 5000]
    )
    def test_an_impossible_quantity(self, api: APIClient, slot: Slot, everything_written: Count, quantity: Any) -> None:
        answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": quantity})
        assert_problem(answer, 400, "invalid_input", "quantity")
        assert not any(everything_written().values())

    @pytest.mark.parametrize("unknown", [0, -1, 999_999, 10**30, "text", None, True, [], {}, 1.5])
    def test_an_unknown_slot(self, api: APIClient, everything_written: Count, unknown: Any) -> None:
        answer = api.post("/api/orders/", {"slot": unknown, "quantity": 1})
        assert_problem(answer, 400, "invalid_input", "slot")
        assert not any(everything_written().values())

    def test_every_wrong_field_is_named(self, api: APIClient) -> None:
        assert_problem(api.post("/api/orders/", {}), 400, "invalid_input", "quantity", "slot")

    def test_more_seats_than_are_left(
        self, api: APIClient, payment_gateway: GatewayProcess, everything_written: Count
    ) -> None:
        small = SlotFactory(capacity=3)
        body = assert_problem(api.post("/api/orders/", {"slot": small.pk, "quantity": 4}), 409, "not_enough_seats")
        assert "3 seats left" in body["detail"]
        assert not any(everything_written().values())

    def test_a_slot_that_has_started(self, api: APIClient, everything_written: Count) -> None:
        past = SlotFactory(starts_at="2020-01-01T00:00:00Z", ends_at="2020-01-01T01:00:00Z")
        assert_problem(api.post("/api/orders/", {"slot": past.pk, "quantity": 1}), 409, "slot_has_started")
        assert not any(everything_written().values())


WHOLE = b'{"order_id": "a", "payment_id": "b", "signature": %s}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"order_id=1", "not JSON"),
        (b'{"order_id": "a"', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (WHOLE % (b"1" * 5000), "digit"),
        (WHOLE % b"NaN", "NaN"),
        (WHOLE % b"-Infinity", "Infinity"),
        (WHOLE % b"1e400", "too large"),
        (WHOLE % rb'"\u0000"', "NUL"),
        (WHOLE % rb'"\ud800"', "UTF-8"),
        (WHOLE % b'"\xff"', "UTF-8"),
        (WHOLE % b'"\xed\xa0\x80"', "UTF-8"),
        (b'{"order_id": "a", "order_id": "b"}', "twice"),
    ],
)
def test_json_that_is_none(api: APIClient, everything_written: Count, body: bytes, reason: str) -> None:
    answer = api.post("/api/payments/verify/", body, content_type="application/json")
    assert reason in assert_problem(answer, 400, "parse_error")["detail"]
    assert not any(everything_written().values())


def test_a_backslash_before_u0000_is_plain_text(api: APIClient, payment_gateway: GatewayProcess) -> None:
    answer = api.post("/api/payments/verify/", WHOLE % rb'"\\u0000"', content_type="application/json")
    assert_problem(answer, 400, "invalid_signature")


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null", b"true"])
def test_json_that_is_no_object(api: APIClient, body: bytes) -> None:
    answer = api.post("/api/payments/verify/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


def test_another_content_type(api: APIClient) -> None:
    answer = api.post("/api/payments/verify/", b"a=b", content_type="application/x-www-form-urlencoded")
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_body_that_is_too_large(api: APIClient) -> None:
    answer = api.post("/api/payments/verify/", b" " * 1_000_001, content_type="application/json")
    assert_problem(answer, 413, "body_too_large")


def test_nobody_in_particular(payment_gateway: GatewayProcess, transactional_db: None) -> None:
    client = APIClient()
    for address in ("/api/orders/", "/api/payments/verify/", "/api/bookings/1/cancel/"):
        answer = client.post(address, {}, format="json")
        assert_problem(answer, 401, "not_authenticated")
        assert answer["WWW-Authenticate"] == "Token"
    assert_problem(client.get("/api/me/", HTTP_AUTHORIZATION="Token wrong"), 401, "authentication_failed")


def test_a_wrong_password(transactional_db: None) -> None:
    answer = APIClient().post("/api/auth/token/", {"username": "ann", "password": "wrong"}, format="json")
    assert_problem(answer, 400, "invalid_input", "non_field_errors")


def test_too_many_requests(transactional_db: None) -> None:
    client, body = APIClient(), {"username": "ann", "password": "wrong"}
    answers = [client.post("/api/auth/token/", body, format="json") for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {400}
    assert_problem(answers[20], 429, "throttled")
    assert 0 < int(answers[20]["Retry-After"]) <= 61
    other = client.post("/api/auth/token/", body, format="json", HTTP_X_FORWARDED_FOR="192.0.2.1")
    assert other.status_code == 429, "nobody escapes by a header of their own"
    cache.clear()


@pytest.mark.parametrize("address", ["/api/nowhere/", "/api/slots/0/", "/api/slots/99999999999999999999/", "/api/"])
def test_an_address_that_does_not_exist(api: APIClient, address: str) -> None:
    assert_problem(api.get(address), 404, "not_found")


def test_a_method_that_is_not_allowed(api: APIClient) -> None:
    assert_problem(api.delete("/api/orders/"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "query",
    ["starts_after=soon", "has_seats=perhaps&starts_before=x", "currency=%00", "starts_after=2026-99-99T00:00:00Z"],
)
def test_a_filter_that_makes_no_sense(api: APIClient, query: str) -> None:
    answer = api.get(f"/api/slots/?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=999999999999999999999", "page=%00"])
def test_a_page_that_does_not_exist(api: APIClient, query: str) -> None:
    assert_problem(api.get(f"/api/slots/?{query}"), 404, "not_found")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "0301234"),
        ("phone", "+1"),
        ("phone", "tel:x"),
        ("phone", 5),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "x" * 300 + "@example.com"),
        ("locale", "klingon"),
        ("locale", ""),
        ("time_zone", "Mars/Base"),
        ("time_zone", "../etc/passwd"),
        ("sms_enabled", "perhaps"),
        ("sms_enabled", None),
        ("wishes", {"pigeon": {"reminder": True}}),
        ("wishes", {"sms": {"reminder": "perhaps"}}),
        ("wishes", [True]),
    ],
)
def test_contact_details_that_make_no_sense(api: APIClient, field: str, value: Any) -> None:
    before = api.get("/api/me/").json()
    answer = api.patch("/api/me/", {"whatsapp_enabled": False, field: value})
    assert_problem(answer, 400, "invalid_input", field)
    assert api.get("/api/me/").json() == before
