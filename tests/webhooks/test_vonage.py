"""Vonage's webhooks: signed receipts and incoming SMS count, everything else is refused and changes nothing."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from notifications.lifecycle import ReceiptStatus
from notifications.models import OutboxMessage, Receipt, Recipient
from notifications.webhooks.vonage import signature
from tests.factories.notifications import RecipientFactory
from tests.webhooks.conftest import receipt_of

pytestmark = pytest.mark.django_db

STATUS, INBOUND = "/webhooks/vonage/status/", "/webhooks/vonage/inbound/"
SECRET = "a-signature-secret"
NAME = "0A0000001234567B"
PHONE = "+14155552671"


@pytest.fixture(autouse=True)
def _account(settings: Settings) -> None:
    settings.VONAGE_API_KEY, settings.VONAGE_SIGNATURE_SECRET = "abcd1234", SECRET


def receipt(message: OutboxMessage, status: str = "delivered", **more: str) -> dict[str, str]:
    """As in https://developer.vonage.com/en/api/sms#delivery-receipt"""
    return {
        "msisdn": PHONE[1:],
        "to": "AcmeInc",
        "network-code": "12345",
        "messageId": NAME,
        "price": "0.03330000",
        "status": status,
        "scts": "2001011400",
        "err-code": "0",
        "api-key": "abcd1234",
        "client-ref": f"outbox-{message.pk}-1",
        "message-timestamp": "2020-01-01 12:00:00",
    } | more


def written(text: str, **more: str) -> dict[str, str]:
    """As in https://developer.vonage.com/en/api/sms#inbound-sms"""
    return {
        "api-key": "abcd1234",
        "msisdn": PHONE[1:],
        "to": "447700900000",
        "messageId": "0A0000000123ABCD1",
        "text": text,
        "type": "text",
        "keyword": "HELLO",
        "message-timestamp": "2020-01-01 12:00:00",
    } | more


def post(
    path: str, fields: dict[str, Any], *, age: float = 0, secret: str = SECRET, form: bool = False
) -> HttpResponse:
    told = {**fields, "timestamp": str(int(time.time() - age)), "nonce": "ec11dd3e-1e7f-4db5-9467-82b02cd223b9"}
    told = {**told, "sig": signature(told, secret=secret).upper()} if secret else told
    body, kind = (urlencode(told), "application/x-www-form-urlencoded") if form else (told, "application/json")
    answer: HttpResponse = Client().post(path, body, content_type=kind)
    return answer


@pytest.mark.parametrize("form", [False, True])
def test_a_receipt_is_recorded(sent: OutboxMessage, form: bool) -> None:
    assert post(STATUS, receipt(sent, "buffered"), form=form).status_code == 200
    assert receipt_of(sent) == ""
    assert post(STATUS, receipt(sent), form=form).status_code == 200
    assert receipt_of(sent) == ReceiptStatus.DELIVERED


def test_what_did_not_arrive_says_why_and_may_be_an_opt_out(sent: OutboxMessage) -> None:
    OutboxMessage.objects.filter(pk=sent.pk).update(provider_id=NAME)
    post(STATUS, receipt(sent, "failed", **{"err-code": "9"}))

    assert receipt_of(sent) == ReceiptStatus.UNDELIVERED
    assert Receipt.objects.get().code == "vonage_receipt_9"
    assert Recipient.objects.get().opt_outs == ["sms"]


@pytest.mark.parametrize(
    ("change", "how", "status"),
    [
        ({}, {"secret": "another"}, 403),
        ({}, {"secret": ""}, 403),
        ({}, {"age": 26 * 3600}, 403),
        ({}, {"age": -600}, 403),
        ({"api-key": "another1"}, {}, 403),
        ({"messageId": "<script>"}, {}, 400),
        ({"a&b": "c"}, {}, 400),
        ({"a": "b\x00"}, {}, 400),
    ],
)
def test_forgeries_are_refused_by_vonage(
    sent: OutboxMessage, change: dict[str, str], how: dict[str, Any], status: int
) -> None:
    assert post(STATUS, receipt(sent) | change, **how).status_code == status
    assert receipt_of(sent) == ""


def test_names_and_values_cannot_be_divided_otherwise(sent: OutboxMessage) -> None:
    """What Vonage signed as two fields does not pass as one, whatever it is called."""
    told = receipt(sent, "failed") | {"timestamp": str(int(time.time())), "nonce": "n"}
    signed = signature(told, secret=SECRET)
    joined = {name: value for name, value in told.items() if name not in ("scts", "status")}
    forged = {**joined, "scts=2001011400&status": "failed", "sig": signed}
    assert signature({k: v for k, v in forged.items() if k != "sig"}, secret=SECRET) == signed

    assert Client().post(STATUS, forged, content_type="application/json").status_code == 400
    assert receipt_of(sent) == ""


def test_what_is_no_request_of_vonages_is_turned_down(sent: OutboxMessage) -> None:
    assert Client().get(STATUS).status_code == 405
    assert Client().post(STATUS, {}).status_code == 415
    for body in (b"[" * 50_000, b"[]", b"{", b'{"sig": "\xff"}', json.dumps({"sig": "x", "n": 1}).encode()):
        assert Client().post(STATUS, body, content_type="application/json").status_code == 400
    assert Client().post(STATUS, b"{" + b" " * 70_000, content_type="application/json").status_code == 413


def test_without_a_secret_nothing_is_believed(sent: OutboxMessage, settings: Settings) -> None:
    settings.VONAGE_SIGNATURE_SECRET = ""
    assert post(STATUS, receipt(sent), secret="x").status_code == 403


def test_stop_counts_and_counts_once_by_vonage(settings: Settings) -> None:
    asha = RecipientFactory(phone=PHONE)
    post(INBOUND, written("Stop"))
    assert Recipient.objects.get(pk=asha.pk).opt_outs == ["sms"]
    post(INBOUND, written("START", messageId="0A0000000123ABCD2"))
    assert Recipient.objects.get(pk=asha.pk).opt_outs == []
    assert post(INBOUND, written("Stop")).status_code == 200, "told again"
    assert Recipient.objects.get(pk=asha.pk).opt_outs == []


def test_a_forged_stop_changes_nothing() -> None:
    asha = RecipientFactory(phone=PHONE)
    assert post(INBOUND, written("Stop"), secret="another").status_code == 403
    assert post(INBOUND, written("Stop", msisdn="12345")).status_code == 200, "a short code"
    assert Recipient.objects.get(pk=asha.pk).opt_outs == []
