"""Meta's webhook: its question is answered, signed statuses and messages count, everything else changes nothing."""

import json
import time
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from notifications.lifecycle import ReceiptStatus
from notifications.models import Conversation, OutboxMessage, Receipt, Recipient
from notifications.webhooks.meta import signature
from tests.factories.notifications import RecipientFactory, publish_one
from tests.webhooks.conftest import receipt_of

pytestmark = pytest.mark.django_db

PATH, SECRET, NUMBER_ID, PHONE = "/webhooks/meta/", "an-app-secret", "106540352242922", "+14155552671"
NAME = "wamid.HBgLMTY0NzM3Nzc3NzUVAgARGBI5QTNEQTA2RjdGMEY4RTRGAA=="


@pytest.fixture(autouse=True)
def _account(settings: Settings) -> None:
    settings.WHATSAPP_APP_SECRET, settings.WHATSAPP_VERIFY_TOKEN = SECRET, "a-verify-token"
    settings.WHATSAPP_PHONE_NUMBER_ID = NUMBER_ID


@pytest.fixture
def whatsapp(sent: OutboxMessage) -> OutboxMessage:
    OutboxMessage.objects.filter(pk=sent.pk).update(channel="whatsapp", provider_id=NAME)
    return sent


def told(number_id: str = NUMBER_ID, **value: Any) -> dict[str, Any]:
    """As in https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview"""
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [change]}]}


def status(message: OutboxMessage, name: str = "delivered", **more: Any) -> dict[str, Any]:
    return {
        "id": NAME,
        "status": name,
        "timestamp": str(int(time.time())),
        "recipient_id": PHONE[1:],
        "biz_opaque_callback_data": f"outbox-{message.pk}-1",
    } | more


def written(text: str, name: str = NAME, **more: Any) -> dict[str, Any]:
    now = str(int(time.time()))
    return {"from": PHONE[1:], "id": name, "timestamp": now, "type": "text", "text": {"body": text}} | more


def post(document: Any, *, signed: str | None = None) -> HttpResponse:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    given = signature(body, secret=SECRET) if signed is None else signed
    headers = {"X-Hub-Signature-256": given} if given else {}
    answer: HttpResponse = Client().post(PATH, body, content_type="application/json", headers=headers)
    return answer


def test_metas_question_is_answered_to_who_knows_the_token(settings: Settings) -> None:
    question = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "a-verify-token"}
    assert Client().get(PATH, question).content == b"1158201444"
    assert Client().get(PATH, question | {"hub.verify_token": "another"}).status_code == 403
    assert Client().get(PATH, question | {"hub.challenge": "<script>"}).status_code == 400
    assert Client().get(PATH).status_code == 403
    settings.WHATSAPP_VERIFY_TOKEN = ""
    assert Client().get(PATH, question | {"hub.verify_token": ""}).status_code == 403


def test_statuses_come_in_batches_and_the_farthest_counts(whatsapp: OutboxMessage) -> None:
    assert post(told(statuses=[status(whatsapp, "read"), status(whatsapp, "sent")])).status_code == 200
    assert receipt_of(whatsapp) == ReceiptStatus.READ
    post(told(statuses=[status(whatsapp, "delivered"), status(whatsapp, "something_new")]))
    assert receipt_of(whatsapp) == ReceiptStatus.READ


def test_what_did_not_arrive_says_why_by_meta(whatsapp: OutboxMessage) -> None:
    error = {"code": 131047, "title": "Re-engagement", "error_data": {"details": f"More than 24 hours for {PHONE}"}}
    post(told(statuses=[status(whatsapp, "failed", errors=[error])]))

    assert receipt_of(whatsapp) == ReceiptStatus.UNDELIVERED
    receipt = Receipt.objects.get()
    assert (receipt.code, receipt.detail) == ("meta_131047", "More than 24 hours for …")


def test_an_sms_has_no_status_of_metas(sent: OutboxMessage) -> None:
    post(told(statuses=[status(sent)]))
    assert receipt_of(sent) == ""


@pytest.mark.parametrize("signed", ["", "sha256=00", "sha1=00", "ü"])
def test_forgeries_are_refused_by_meta(whatsapp: OutboxMessage, signed: str) -> None:
    asha = RecipientFactory(phone=PHONE)
    if signed.isascii():
        assert post(told(statuses=[status(whatsapp)], messages=[written("STOP")]), signed=signed).status_code == 403
    assert receipt_of(whatsapp) == ""
    assert Recipient.objects.get(pk=asha.pk).opt_outs == []


def test_what_is_signed_and_makes_no_sense_is_turned_down_by_meta(whatsapp: OutboxMessage, settings: Settings) -> None:
    for document in (b"[" * 50_000, b"[]", b"\xff", told(statuses=[status(whatsapp, id="\n")])):
        assert post(document).status_code == 400
    for document in ({}, {"entry": 7}, {"entry": [{"changes": [{"value": 1}]}]}, told("another", statuses=[])):
        assert post(document).status_code == 200
    post(told("another", statuses=[status(whatsapp)]))
    settings.WHATSAPP_APP_SECRET = ""
    body = json.dumps(told(statuses=[status(whatsapp)])).encode()
    assert post(body, signed=signature(body, secret="")).status_code == 403
    assert receipt_of(whatsapp) == ""


def test_stop_counts_and_counts_once_by_meta() -> None:
    asha = RecipientFactory(phone=PHONE)
    post(told(messages=[written("Stop")]))
    assert Recipient.objects.get(pk=asha.pk).opt_outs == ["whatsapp"]
    pressed = written("", "wamid.2", type="button", button={"text": "START", "payload": "x"})
    del pressed["text"]
    post(told(messages=[pressed]))
    post(told(messages=[written("Stop")]))  # told again
    assert Recipient.objects.get(pk=asha.pk).opt_outs == []


def test_the_window_opens_when_it_was_written_not_when_we_were_told() -> None:
    RecipientFactory(phone=PHONE)
    post(told(messages=[written("Hi", timestamp=str(int(time.time()) - 90_000))]))
    assert time.time() - Conversation.objects.get().last_inbound_at.timestamp() > 89_000
    post(told(messages=[written("Hi", "wamid.3", timestamp="99999999999")]))
    assert time.time() - Conversation.objects.get().last_inbound_at.timestamp() < 60


def test_a_status_proves_an_acceptance_whose_answer_was_lost() -> None:
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.filter(pk=message.pk).update(channel="whatsapp")
    post(told(statuses=[status(message, "sent")]))
    assert Receipt.objects.get().provider_id == NAME
