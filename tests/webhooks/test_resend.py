"""Resend's webhook: signed events of our emails count, everything else is refused and changes nothing."""

import base64
import json
import time
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from notifications.lifecycle import ReceiptStatus
from notifications.models import OutboxMessage, Receipt, Recipient
from notifications.webhooks.resend import signature
from tests.webhooks.conftest import receipt_of

pytestmark = pytest.mark.django_db

PATH, SECRET = "/webhooks/resend/", "whsec_" + base64.b64encode(b"a-secret").decode()
OTHER, NAME = "whsec_" + base64.b64encode(b"another").decode(), "56761188-7520-42d8-8898-ff6fc54ce618"


@pytest.fixture(autouse=True)
def _account(settings: Settings) -> None:
    settings.RESEND_WEBHOOK_SECRET = SECRET


@pytest.fixture
def email(sent: OutboxMessage) -> OutboxMessage:
    OutboxMessage.objects.filter(pk=sent.pk).update(channel="email", provider_id=NAME)
    return sent


def event(message: OutboxMessage, name: str = "delivered", **data: Any) -> dict[str, Any]:
    """As in https://resend.com/docs/webhooks/event-types"""
    told = {"email_id": NAME, "to": ["ann@example.com"], "subject": "Hi", "tags": {"outbox": str(message.pk)}}
    return {"type": f"email.{name}", "created_at": "2026-11-22T23:41:12.126Z", "data": told | data}


def post(document: Any, *, age: float = 0, secret: str = SECRET, also: str = "", **changes: str) -> HttpResponse:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    name, timestamp = "msg_p5jXN8AQM9LWM0D4loKWxJek", str(int(time.time() - age))
    signed = signature(body, name=name, timestamp=timestamp, secret=secret)
    headers = {"svix-id": name, "svix-timestamp": timestamp, "svix-signature": f"{also} {signed}"} | changes
    answer: HttpResponse = Client().post(PATH, body, content_type="application/json", headers=headers)
    return answer


def test_an_event_is_recorded_also_while_the_secret_is_replaced(email: OutboxMessage) -> None:
    assert post(event(email, "sent")).status_code == 200
    assert receipt_of(email) == ""
    assert post(event(email), also="v1,b3RoZXI=").status_code == 200
    assert receipt_of(email) == ReceiptStatus.DELIVERED


def test_a_bounce_says_why_and_a_complaint_is_an_opt_out(email: OutboxMessage) -> None:
    post(event(email, "bounced", bounce={"message": "ann@example.com is gone", "type": "Permanent"}))
    receipt = Receipt.objects.get()
    assert (receipt_of(email), receipt.code, receipt.detail) == (ReceiptStatus.BOUNCED, "resend_bounced", "… is gone")
    assert Recipient.objects.get().opt_outs == []
    post(event(email, "complained"))
    assert receipt_of(email) == ReceiptStatus.COMPLAINED
    assert Recipient.objects.get().opt_outs == ["email"]


@pytest.mark.parametrize(
    "how",
    [
        {"secret": OTHER},
        {"age": 301},
        {"age": -301},
        {"svix-signature": ""},
        {"svix-id": "msg_another"},
        {"svix-timestamp": "soon"},
        {"svix-signature": "v2,abc v1a,def"},
    ],
)
def test_forgeries_are_refused_by_resend(email: OutboxMessage, how: dict[str, Any]) -> None:
    assert post(event(email), **how).status_code == 403
    assert receipt_of(email) == ""


def test_what_is_signed_and_makes_no_sense_is_turned_down(email: OutboxMessage, settings: Settings) -> None:
    for document in (b"[" * 50_000, b"[]", b"\xff", {}, event(email, email_id="\n"), event(email) | {"type": 7}):
        assert post(document).status_code == 400
    for document in (event(email, tags=[]), event(email, "opened_twice"), event(email) | {"type": "contact.created"}):
        assert post(document).status_code == 200
    settings.RESEND_WEBHOOK_SECRET = "no base64!"
    assert post(event(email)).status_code == 403
    settings.RESEND_WEBHOOK_SECRET = ""
    assert post(event(email)).status_code == 403
    assert receipt_of(email) == ""


def test_an_sms_has_no_event_of_resends(sent: OutboxMessage) -> None:
    post(event(sent))
    assert receipt_of(sent) == ""
