"""Bad input: each with a clear answer in the shape of RFC 9457, and nothing written."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.problems import assert_problem
from tests.stage.gateway import GatewayProcess

Count = Callable[[], dict[str, int]]


WHOLE = b'{"order_id": "a", "payment_id": "b", "signature": %s}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"order_id=1", "not valid JSON"),
        (b'{"order_id": "a"', "not valid JSON"),
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
    client = APIClient()
    bodies = [{"username": f"user{number}", "password": "wrong"} for number in range(21)]  # one alone is locked sooner
    answers = [client.post("/api/auth/token/", body, format="json") for body in bodies]
    assert {answer.status_code for answer in answers[:20]} == {400}
    assert_problem(answers[20], 429, "throttled")
    assert 0 < int(answers[20]["Retry-After"]) <= 61
    other = client.post("/api/auth/token/", bodies[0], format="json", HTTP_X_FORWARDED_FOR="192.0.2.1")
    assert other.status_code == 429, "nobody escapes by a header of their own"


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
        ("opt_ins", {"pigeon": {"reminder": True}}),
        ("opt_ins", {"sms": {"reminder": "perhaps"}}),
        ("opt_ins", [True]),
    ],
)
def test_contact_details_that_make_no_sense(api: APIClient, field: str, value: Any) -> None:
    before = api.get("/api/me/").json()
    answer = api.patch("/api/me/", {"whatsapp_enabled": False, field: value})
    assert_problem(answer, 400, "invalid_input", field)
    assert api.get("/api/me/").json() == before
