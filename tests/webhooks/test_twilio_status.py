"""Twilio's status callbacks become receipts: in any order, however often, and only when Twilio signed them."""

import itertools
import random
import threading
from typing import Any

import pytest
from django.db import connection
from twilio.rest.api.v2010.account.message import MessageInstance

from notifications.channels.base import Outgoing
from notifications.channels.twilio_codes import RECEIPT_STATUSES
from notifications.lifecycle import Outcome, Permanent, Reason, ReceiptStatus
from notifications.models import OutboxMessage, Receipt
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain
from tests.webhooks.conftest import receipt_of
from tests.webhooks.twilio import STATUS, post, sid, signature, status_fields, tell

pytestmark = pytest.mark.django_db


def test_a_delivery_is_a_receipt_with_its_time(sent: OutboxMessage) -> None:
    assert tell("delivered", message=sent.pk).status_code == 204
    assert receipt_of(sent) == "delivered"
    receipt = sent.receipts.get()
    assert (receipt.provider_id, receipt.claim_number, receipt.status) == (sid(), 1, "delivered")
    assert receipt.received_at > sent.created_at


def test_an_undelivered_message_says_why(sent: OutboxMessage) -> None:
    tell("undelivered", message=sent.pk, ErrorCode="30005", ErrorMessage="Unknown destination handset")
    receipt = sent.receipts.get()
    assert receipt_of(sent) == "undelivered"
    assert (receipt.code, receipt.detail) == ("twilio_30005", "Unknown destination handset")


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered", "read"])), ids="-".join)
def test_the_farthest_news_win_in_any_order(sent: OutboxMessage, order: tuple[str, ...]) -> None:
    for status in (*order, *order):
        assert tell(status, message=sent.pk).status_code == 204
    assert receipt_of(sent) == "read"
    assert sent.receipts.count() == 1


def test_a_late_sent_never_overwrites_delivered(sent: OutboxMessage) -> None:
    tell("delivered", message=sent.pk)
    tell("sent", message=sent.pk)
    assert receipt_of(sent) == sent.receipts.get().status == "delivered"


@pytest.mark.django_db(transaction=True)
def test_the_farthest_news_win_when_all_come_at_once(sent: OutboxMessage) -> None:
    told = ["sent", "delivered", "read", "undelivered"] * 3
    random.Random(5).shuffle(told)
    threads = [threading.Thread(target=_tell_and_disconnect, args=(status, sent.pk)) for status in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipt_of(sent) == sent.receipts.get().status == "read"


def _tell_and_disconnect(status: str, message: int) -> None:
    tell(status, message=message)
    connection.close()  # this thread's own


def test_of_two_copies_the_one_that_arrived_counts(sent: OutboxMessage) -> None:
    tell("undelivered", message=sent.pk, of=sid(2), claim=0)
    assert receipt_of(sent) == "", (
        "that a lost attempt's copy did not arrive says nothing of the one it was settled with"
    )
    tell("delivered", message=sent.pk, of=sid(2), claim=0)
    tell("undelivered", message=sent.pk)
    assert receipt_of(sent) == "delivered"
    assert sent.receipts.count() == 2


@pytest.mark.django_db(transaction=True)
def test_news_may_come_before_the_relay_has_written_the_acceptance() -> None:
    message = publish_one(RecipientFactory())
    answers = []

    def answer_after_the_callback(outgoing: Outgoing) -> Outcome:
        answers.append(tell("delivered", message=outgoing.message_id, claim=outgoing.claim_number).status_code)
        connection.close()
        return RecordingChannel()._answer(outgoing)

    drain(RecordingChannel(answer=answer_after_the_callback))
    assert answers == [204]
    assert receipt_of(message) == "delivered"
    assert message.status == "sent"


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "scheduled"])
def test_what_happens_inside_twilio_is_no_news(sent: OutboxMessage, status: str) -> None:
    assert tell(status, message=sent.pk).status_code == 204
    assert not sent.receipts.exists()


def test_news_of_messages_that_are_not_ours_change_nothing(sent: OutboxMessage) -> None:
    assert tell("delivered", message=sent.pk + 1000).status_code == 204
    assert post(STATUS, status_fields("delivered")).status_code == 204, "a Messaging Service's own callback names none"
    assert not Receipt.objects.exists()


def test_an_email_takes_no_receipt_from_twilio() -> None:
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.filter(pk=message.pk).update(channel="email")
    assert tell("delivered", message=message.pk).status_code == 204
    assert receipt_of(message) == ""


def test_a_parameter_that_twilio_adds_some_day_does_no_harm(sent: OutboxMessage) -> None:
    tell("delivered", message=sent.pk, CarrierName="Ünïcode & Söhne", RawDlrDoneDate="2611251230")
    assert receipt_of(sent) == "delivered"


def test_a_public_url_with_a_path_and_a_port(sent: OutboxMessage, settings: Any) -> None:
    settings.PUBLIC_URL = "https://book.example.org:8443/"
    path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
    assert post(path, fields, signed=signature(path, fields, url="https://book.example.org:8443")).status_code == 204


@pytest.mark.parametrize("status", ["rerouted", "on_hold", "handset-full"])
def test_a_status_that_twilio_adds_next_year_is_kept_and_logged(
    sent: OutboxMessage, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert tell(status, message=sent.pk).status_code == 200
    receipt = sent.receipts.get()
    assert (receipt.status, receipt.code) == ("sent", f"twilio_{status}")
    assert f"code=twilio_{status}" in caplog.text
    assert tell("delivered", message=sent.pk).status_code == 204
    assert (receipt_of(sent), sent.receipts.get().code) == ("delivered", "")
    assert tell(status, message=sent.pk).status_code == 200
    assert sent.receipts.get().status == "delivered", "it takes nothing back"


def test_it_is_kept_beside_what_was_told_before(sent: OutboxMessage) -> None:
    tell("sent", message=sent.pk)
    tell("rerouted", message=sent.pk)
    assert (sent.receipts.get().status, sent.receipts.get().code) == ("sent", "twilio_rerouted")


@pytest.mark.parametrize("status", ["deliver", "undelivere", "deliveredx", "rea", "Rerouted", "re routed", "x" * 41])
def test_a_status_that_may_be_half_of_one_is_refused(sent: OutboxMessage, status: str) -> None:
    assert tell(status, message=sent.pk).status_code == 400
    assert not sent.receipts.exists()


def test_every_status_of_twilios_documentation_is_known() -> None:
    statuses = {value for name, value in vars(MessageInstance.Status).items() if not name.startswith("_")}
    assert statuses - {"receiving", "received"} <= set(RECEIPT_STATUSES)
    assert {news for news in RECEIPT_STATUSES.values() if news} == set(ReceiptStatus) - {
        ReceiptStatus.BOUNCED,
        ReceiptStatus.COMPLAINED,
    }


@pytest.mark.django_db(transaction=True)
def test_a_refusal_for_an_opt_out_is_one_before_the_next_message() -> None:
    """Twilio's 21610 comes with the answer to the first message; the second is not even tried."""
    recipient = RecipientFactory()
    messages = [publish_one(recipient), publish_one(recipient)]
    refusing = RecordingChannel(answer=lambda _: Permanent("twilio_21610", reason=Reason.OPTED_OUT))
    drain(refusing)
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["sms"]
    assert len(refusing.sent) == 1
    outcomes = OutboxMessage.objects.filter(pk__in=[each.pk for each in messages]).order_by("id")
    assert list(outcomes.values_list("status", "error_code")) == [
        ("failed", "twilio_21610"),
        ("cancelled", "opted_out"),
    ]
    consent = recipient.consents.get()
    assert (consent.channel, consent.how, consent.actor) == ("sms", "provider", "twilio_21610")
