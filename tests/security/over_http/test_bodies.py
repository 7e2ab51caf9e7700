"""Bodies that are meant to hurt, or to mean something else than they say."""

import gzip
from typing import Any

import pytest
import requests

from bookings.models import Order, Slot
from tests.factories.bookings import SlotFactory
from tests.security.over_http.conftest import program
from tests.stage.browser import account

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"slot": 1, "quantity": 1' + b"0" * 5000 + b"}",
        b'{"slot": 1, "quantity": NaN}',
        b'{"slot": 1e999, "quantity": 1}',
        b'{"slot": "\\ud800", "quantity": 1}',
        b'{"slot": "\\u0000", "quantity": 1}',
        b"\xff\xfe{\x00}\x00",
        b'[{"slot": 1}]',
        b'"slot"',
        b"null",
        b"",
    ],
)
def test_json_that_is_meant_to_hurt_is_a_400(api: Any, body: bytes) -> None:
    answer = api("POST", "/api/orders/", data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_nothing_is_decompressed(api: Any) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = api("POST", "/api/orders/", data=bomb, headers=headers)

    assert answer.status_code in {400, 415}
    assert answer.elapsed.total_seconds() < 10


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_the_api_takes_json_alone(api: Any, kind: str) -> None:
    """Which a form of another site cannot send."""
    assert api("POST", "/api/orders/", data=b"slot=1&quantity=1", headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize("quantity", [-1, 0, 101, 2**31, 2**63, 10**30, 1.5, True, None, "1; --", [1], {"a": 1}])
def test_a_quantity_is_a_small_whole_number(api: Any, quantity: object) -> None:
    answer = api("POST", "/api/orders/", json={"slot": SlotFactory().pk, "quantity": quantity})

    assert answer.status_code == 400, answer.text
    assert (Order.objects.count(), Slot.objects.get().seats_taken) == (0, 0)


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\r\nBcc: b@x.org",
        "a@example.com\nX: y",
        "a@example.com,b@example.com",
        "<a@example.com>",
        "a",
    ],
)
def test_an_email_address_is_one_address(api: Any, email: str) -> None:
    assert api("PATCH", "/api/me/", json={"email": email}).status_code == 400


def test_markup_and_templates_in_a_title_are_text(api: Any, web: str) -> None:
    slot = SlotFactory(title="<script>alert(1)</script>{{ 7|add:7 }}{% debug %}")
    for page in (requests.get(f"{web}/", timeout=60).text, requests.get(f"{web}/slots/{slot.pk}/", timeout=60).text):
        assert "<script>alert" not in page
        assert "{{ 7|add:7 }}" in page
    assert api("GET", f"/api/slots/{slot.pk}/").headers["Content-Type"] == "application/json"


def test_another_customers_name_for_an_order_is_not_mine(web: str, api: Any) -> None:
    """An idempotency key belongs to its customer."""
    wish = {"json": {"slot": SlotFactory().pk, "quantity": 1}, "headers": {"Idempotency-Key": "k1"}}
    mine, theirs = api("POST", "/api/orders/", **wish), program(web, account("bob"))("POST", "/api/orders/", **wish)

    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


@pytest.mark.parametrize(
    "path", ["/webhooks/payments/sandbox/", "/webhooks/twilio/status/", "/webhooks/twilio/inbound/"]
)
@pytest.mark.parametrize("signature", ["", "0" * 64, "é", "sha256=" + "0" * 64])
def test_a_webhook_without_its_signature_is_refused(web: str, path: str, signature: str) -> None:
    headers = {name: signature.encode() for name in ("X-Signature", "X-Twilio-Signature", "Stripe-Signature")}
    for body in (b"{}", b"MessageSid=SM1&From=%2B1415&Body=START", b"\xff", b"["):
        answer = requests.post(web + path, data=body, headers=headers, timeout=60)  # type: ignore[arg-type]
        assert answer.status_code in {400, 403, 404, 415}, answer.text[:200]
