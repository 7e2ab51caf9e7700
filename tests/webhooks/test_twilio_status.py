"""Twilio's status callbacks become receipts: in any order, however often, and only when Twilio signed them."""

import itertools
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from twilio.rest.api.v2010.account.message import MessageInstance

from notifications.channels.base import Outgoing
from notifications.channels.twilio_codes import RECEIPT_STATUSES
from notifications.lifecycle import Outcome, Permanent, Reason, ReceiptStatus, Status
from notifications.models import OutboxMessage, Receipt
from notifications.webhooks.signed_forms import MOST_BYTES
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain
from tests.webhooks.twilio import FORM, STATUS, post, sid, signature, status_fields, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> OutboxMessage:
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.filter(pk=message.pk).update(
        status=Status.SENT, finished_at=timezone.now(), claim_number=1, provider_id=sid()
    )
    message.refresh_from_db()
    return message


def receipt_of(message: OutboxMessage) -> str:
    message.refresh_from_db()
    return message.receipt


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


class TestForgeries:
    """Each is refused, and changes nothing."""

    @pytest.fixture(autouse=True)
    def _nothing_changes(self, sent: OutboxMessage) -> Iterator[None]:
        yield
        assert receipt_of(sent) == ""
        assert not Receipt.objects.exists()

    def test_unsigned(self, sent: OutboxMessage) -> None:
        assert tell("delivered", message=sent.pk, signed="").status_code == 403

    def test_signed_with_another_token(self, sent: OutboxMessage) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        assert post(path, fields, signed=signature(path, fields, token="guess")).status_code == 403

    @pytest.mark.parametrize("signed", ["x", "=", "ü".encode().decode("latin-1"), "A" * 28])
    def test_signed_with_rubbish(self, sent: OutboxMessage, signed: str) -> None:
        assert tell("delivered", message=sent.pk, signed=signed).status_code == 403

    def test_about_another_message_than_was_signed(self, sent: OutboxMessage) -> None:
        fields = status_fields("delivered")
        signed = signature(f"{STATUS}?message={sent.pk + 1}&claim=1", fields)
        assert post(f"{STATUS}?message={sent.pk}&claim=1", fields, signed=signed).status_code == 403

    def test_for_another_host_whatever_the_headers_say(self, sent: OutboxMessage) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        signed = signature(path, fields, url="https://evil.example")
        for header in ({"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "https"}):
            assert post(path, fields, signed=signed, **header).status_code == 403

    def test_of_another_account(self, sent: OutboxMessage) -> None:
        assert tell("delivered", message=sent.pk, AccountSid="AC" + "0b" * 16).status_code == 403

    def test_names_and_values_divided_otherwise(self, sent: OutboxMessage) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        signed = signature(path, fields)
        del fields["MessageSid"]
        divided = fields | {"MessageSi": f"d{sid()}"}
        assert signature(path, divided) == signed, "the signature alone cannot tell them apart"
        assert post(path, divided, signed=signed).status_code == 400

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("MessageSid", "SM1"),
            ("MessageSid", "MM" + "g" * 32),
            ("MessageSid", sid() + "\n"),
            ("MessageStatus", "Delivered"),
            ("MessageStatus", ""),
            ("ErrorCode", "3000500"),
            ("ErrorCode", "-1"),
        ],
    )
    def test_values_in_no_shape_of_twilios(self, sent: OutboxMessage, name: str, value: str) -> None:
        assert tell("delivered", message=sent.pk, **{name: value}).status_code == 400

    @pytest.mark.parametrize("query", ["message=x&claim=1", "message=1&claim=-1", "message=" + "9" * 19, "message=٣"])
    def test_a_url_that_is_not_ours(self, sent: OutboxMessage, query: str) -> None:
        assert post(f"{STATUS}?{query}", status_fields("delivered")).status_code in {400, 403}

    def test_json_is_refused_however_it_is_signed(self, client: Client) -> None:
        answer = client.post(
            STATUS, "{}", content_type="application/json", HTTP_X_TWILIO_SIGNATURE=signature(STATUS, {})
        )
        assert answer.status_code == 415

    def test_other_methods(self, client: Client) -> None:
        answer = client.get(STATUS)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ("", 415),
            ("a=1&a=2", 400),
            ("a=%ff", 400),
            ("a=%00", 400),
            ("ü=1", 400),
            ("&".join(f"a{number}=1" for number in range(1000)), 400),
            ("a=" + "1" * MOST_BYTES, 413),
        ],
        ids=["empty", "twice", "no UTF-8", "NUL", "no ASCII", "many fields", "large"],
    )
    def test_bodies_that_are_no_form_of_twilios(self, client: Client, body: str, status: int) -> None:
        signed = signature(STATUS, {})
        answer = client.post(STATUS, body.encode(), content_type=FORM, HTTP_X_TWILIO_SIGNATURE=signed)
        assert answer.status_code == status

    def test_without_a_token_nothing_is_believed(self, sent: OutboxMessage, settings: Any) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        settings.TWILIO_AUTH_TOKEN = ""
        assert post(path, fields, signed=signature(path, fields, token="")).status_code == 403


def test_a_parameter_that_twilio_adds_some_day_does_no_harm(sent: OutboxMessage) -> None:
    tell("delivered", message=sent.pk, CarrierName="Ünïcode & Söhne", RawDlrDoneDate="2611251230")
    assert receipt_of(sent) == "delivered"


def test_a_public_url_with_a_path_and_a_port(sent: OutboxMessage, settings: Any) -> None:
    settings.PUBLIC_URL = "https://book.example.org:8443/"
    path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
    assert post(path, fields, signed=signature(path, fields, url="https://book.example.org:8443")).status_code == 204


@given(cuts=st.lists(st.integers(1, 400), min_size=2, max_size=30, unique=True))
def test_no_other_division_of_a_signed_text_means_anything_else(cuts: list[int]) -> None:
    """However the signed text is cut into names and values: refused, or read as what Twilio meant."""
    fields = status_fields("undelivered", ErrorCode="30003", ErrorMessage="Unreachable")
    path = f"{STATUS}?message=1&claim=1"
    text = "".join(name + fields[name] for name in sorted(fields))
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    pieces += [""] * (len(pieces) % 2)
    divided = dict(zip(pieces[::2], pieces[1::2], strict=True))
    if signature(path, divided) == signature(path, fields) and divided != fields:
        assert post(path, divided, signed=signature(path, fields)).status_code in {400, 403}


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
