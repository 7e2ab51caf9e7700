"""Sinch's webhook: signed reports and incoming SMS count, everything else is refused and changes nothing."""

import json
import time
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from notifications.lifecycle import ReceiptStatus
from notifications.models import OutboxMessage, Receipt, Recipient
from notifications.webhooks.sinch import signature
from tests.factories.notifications import RecipientFactory
from tests.webhooks.conftest import receipt_of

pytestmark = pytest.mark.django_db

PATH, SECRET, NAME, PHONE = "/webhooks/sinch/", "a-webhook-secret", "01FC66621VHDBN119Z8PMV1QPQ", "+14155552671"


@pytest.fixture(autouse=True)
def _account(settings: Settings) -> None:
    settings.SINCH_WEBHOOK_SECRET = SECRET


def report(message: OutboxMessage, status: str = "Delivered", code: int = 0, **more: Any) -> dict[str, Any]:
    """As in https://developers.sinch.com/docs/sms/api-reference/sms/delivery-reports"""
    return {
        "type": "recipient_delivery_report_sms",
        "batch_id": NAME,
        "recipient": PHONE[1:],
        "code": code,
        "status": status,
        "at": "2026-08-30T08:16:08.930Z",
        "client_reference": f"outbox-{message.pk}",
    } | more


def written(body: str, **more: Any) -> dict[str, Any]:
    return {"type": "mo_text", "id": "01FC66621VHDBN119Z8PMV1QPA", "from": PHONE[1:], "to": "447", "body": body} | more


def post(document: Any, *, age: float = 0, secret: str = SECRET, **changes: str) -> HttpResponse:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    nonce, timestamp = "01FJA8B4A7BM43YGWSG9GBV067", str(int(time.time() - age))
    headers = {
        "X-Sinch-Webhook-Signature": signature(body, nonce=nonce, timestamp=timestamp, secret=secret),
        "X-Sinch-Webhook-Signature-Nonce": nonce,
        "X-Sinch-Webhook-Signature-Timestamp": timestamp,
        "X-Sinch-Webhook-Signature-Algorithm": "HmacSHA256",
    }
    answer: HttpResponse = Client().post(PATH, body, content_type="application/json", headers=headers | changes)
    return answer


def test_a_report_is_recorded(sent: OutboxMessage) -> None:
    assert post(report(sent, "Dispatched", 401)).status_code == 200
    assert receipt_of(sent) == ""
    assert post(report(sent)).status_code == 200
    assert receipt_of(sent) == ReceiptStatus.DELIVERED


def test_what_did_not_arrive_says_why_by_sinch(sent: OutboxMessage) -> None:
    OutboxMessage.objects.filter(pk=sent.pk).update(provider_id=NAME)
    summary = {"type": "delivery_report_sms", "statuses": [{"status": "Aborted", "code": 402, "count": 1}]}
    post(report(sent) | summary)

    assert receipt_of(sent) == ReceiptStatus.UNDELIVERED
    assert Receipt.objects.get().code == "sinch_402"


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "another"}, 403),
        ({"age": 26 * 3600}, 403),
        ({"age": -600}, 403),
        ({"X-Sinch-Webhook-Signature": ""}, 403),
        ({"X-Sinch-Webhook-Signature-Nonce": "another"}, 403),
        ({"X-Sinch-Webhook-Signature-Timestamp": "1"}, 403),
        ({"X-Sinch-Webhook-Signature-Algorithm": "none"}, 403),
    ],
)
def test_forgeries_are_refused_by_sinch(sent: OutboxMessage, how: dict[str, Any], status: int) -> None:
    assert post(report(sent), **how).status_code == status
    assert receipt_of(sent) == ""


def test_what_is_signed_and_makes_no_sense_is_turned_down_by_sinch(sent: OutboxMessage, settings: Settings) -> None:
    for document in (b"[" * 50_000, b"[]", b"\xff", report(sent) | {"batch_id": "<x>"}, report(sent) | {"status": 7}):
        assert post(document).status_code == 400
    assert post({"type": "something_new"}).status_code == 200
    assert Client().get(PATH).status_code == 405
    assert Client().post(PATH, {}).status_code == 415
    settings.SINCH_WEBHOOK_SECRET = ""
    assert post(report(sent), secret="").status_code == 403
    assert receipt_of(sent) == ""


def test_stop_counts_and_counts_once_by_sinch() -> None:
    asha = RecipientFactory(phone=PHONE)
    post(written("Stop"))
    assert Recipient.objects.get(pk=asha.pk).opt_outs == ["sms"]
    post(written("START", id="another"))
    assert post(written("Stop")).status_code == 200, "told again"
    assert post(written("Stop", id="third"), secret="another").status_code == 403
    assert post(written("Stop", id="fourth", **{"from": "12345"})).status_code == 200, "a short code"
    assert Recipient.objects.get(pk=asha.pk).opt_outs == []
