"""Email through an email service provider: what reaches it, and what its webhooks say becomes a receipt.

The provider is Postmark: anymail's real backend towards a real server, and anymail's real webhook view.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from notifications.channels.esp import EspChannel
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Throttled, Transient, Unknown
from notifications.models import OutboxMessage, Receipt, Recipient
from notifications.webhooks import esp
from tests.channels.conftest import ADDRESS, an_email, soon
from tests.channels.servers import closed_port, read_request, scripted_server
from tests.factories.notifications import RecipientFactory, publish_one

pytestmark = pytest.mark.django_db

SECRET = "postmark:of-the-webhook"
MESSAGE_ID = "883953f4-6105-42a2-a16a-77a8eac79483"
ANYMAIL = {"POSTMARK_SERVER_TOKEN": "a-token", "WEBHOOK_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _anymail(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "*")
    settings.ROOT_URLCONF = "tests.webhooks.anymail_urls"
    settings.EMAIL_ESP = "postmark"
    settings.ANYMAIL = ANYMAIL
    esp.connect()
    yield
    esp.tracking.disconnect(dispatch_uid="notifications.webhooks.esp")


@pytest.fixture
def recipient() -> Recipient:
    recipient: Recipient = RecipientFactory()
    return recipient


@pytest.fixture
def sent(recipient: Recipient) -> OutboxMessage:
    message = publish_one(recipient)
    OutboxMessage.objects.filter(pk=message.pk).update(
        channel="email", status=Status.SENT, finished_at=timezone.now(), claim_number=1, provider_id=MESSAGE_ID
    )
    message.refresh_from_db()
    return message


def tell(event: dict[str, Any], message: OutboxMessage | None, *, secret: str = SECRET) -> HttpResponse:
    """As in https://postmarkapp.com/developer/webhooks/webhooks-overview"""
    metadata = {"outbox": str(message.pk), "claim": "1"} if message else {}
    document = {"MessageID": MESSAGE_ID, "ServerID": 23, "MessageStream": "outbound", "Metadata": metadata} | event
    authorization = f"Basic {base64.b64encode(secret.encode()).decode()}"
    answer: HttpResponse = Client().post(
        "/webhooks/anymail/postmark/tracking/",
        json.dumps(document),
        content_type="application/json",
        HTTP_AUTHORIZATION=authorization,
    )
    return answer


DELIVERY = {
    "RecordType": "Delivery",
    "Recipient": ADDRESS,
    "Tag": "",
    "DeliveredAt": "2026-05-01T10:00:00Z",
    "Details": "250 OK",
}
BOUNCE = {
    "RecordType": "Bounce",
    "ID": 42,
    "Type": "HardBounce",
    "TypeCode": 1,
    "Name": "Hard bounce",
    "Tag": "",
    "Description": f"The server was unable to deliver your message to {ADDRESS} (ex: unknown user).",
    "Details": "550 5.1.1",
    "Email": ADDRESS,
    "From": "bookings@example.org",
    "BouncedAt": "2026-05-01T10:00:00Z",
    "DumpAvailable": True,
    "Inactive": True,
    "CanActivate": True,
    "Subject": "Your booking",
}
COMPLAINT = BOUNCE | {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 512, "Name": "Spam complaint"}


def receipt_of(message: OutboxMessage) -> str:
    message.refresh_from_db()
    return message.receipt


def test_an_esp_says_delivered(sent: OutboxMessage) -> None:
    assert tell(DELIVERY, sent).status_code == 200
    assert receipt_of(sent) == "delivered"


def test_bounced_with_its_reason_and_nobodys_address(sent: OutboxMessage) -> None:
    tell(BOUNCE, sent)
    assert receipt_of(sent) == "bounced"
    receipt = sent.receipts.get()
    assert receipt.code == "postmark_bounced"
    assert "unable to deliver" in receipt.detail
    assert ADDRESS not in receipt.detail


def test_a_complaint_is_an_opt_out_as_well(sent: OutboxMessage, recipient: Recipient) -> None:
    tell(DELIVERY, sent)
    tell(COMPLAINT, sent)
    recipient.refresh_from_db()
    assert receipt_of(sent) == "complained"
    assert recipient.opt_outs == ["email"]


def test_ours_without_metadata_is_known_by_its_message_id(sent: OutboxMessage) -> None:
    tell(DELIVERY | {"MessageID": f"<outbox-{sent.pk}@example.org>"}, None)
    assert receipt_of(sent) == "delivered"


@pytest.mark.parametrize("secret", ["postmark:guess", ":"])
def test_a_forged_event_changes_nothing(sent: OutboxMessage, secret: str) -> None:
    assert tell(DELIVERY, sent, secret=secret).status_code == 400
    assert receipt_of(sent) == ""


def test_events_about_other_messages_change_nothing(sent: OutboxMessage) -> None:
    assert tell(DELIVERY, None).status_code == 200
    assert tell({**DELIVERY, "RecordType": "Open", "FirstOpen": True, "ReceivedAt": "2026-05-01T10:00:00Z"}, sent)
    assert not Receipt.objects.exists()


def send(settings: Any, answer: bytes, *, url: str = "") -> tuple[Outcome, bytes]:
    """Hand a message to a Postmark that answers so."""
    requests: list[bytes] = []
    with scripted_server(lambda sock: (requests.append(read_request(sock)), sock.sendall(answer))) as server:
        settings.ANYMAIL = ANYMAIL | {"POSTMARK_API_URL": url or f"http://127.0.0.1:{server.port}/"}
        channel = EspChannel.from_settings("email", settings)
        outcome = channel.send(an_email(), soon())
        channel.close()
    return outcome, b"".join(requests)


def answering(status: int, document: Any, *headers: str) -> bytes:
    body = json.dumps(document).encode()
    head = [f"HTTP/1.1 {status} -", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


OK = [{"To": ADDRESS, "SubmittedAt": "2026-05-01T10:00:00Z", "MessageID": MESSAGE_ID, "ErrorCode": 0, "Message": "OK"}]


def test_what_reaches_the_provider_names_message_and_attempt(settings: Any) -> None:
    document = OK[0]
    outcome, request = send(settings, answering(200, document))
    assert outcome == Accepted(MESSAGE_ID)
    payload = json.loads(request.partition(b"\r\n\r\n")[2])
    assert payload["Metadata"] == {"outbox": "7", "claim": "3"}
    assert payload["To"] == ADDRESS
    assert {"Name": "Message-ID", "Value": "<outbox-7@localhost>"} in payload["Headers"]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (answering(422, {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{ADDRESS}'."}), Permanent, "refused"),
        (answering(422, {"ErrorCode": 400, "Message": "Sender signature not found"}), Permanent, "http_422"),
        (answering(401, {"ErrorCode": 10, "Message": "Bad token"}), Transient, "http_401"),
        (answering(429, {"ErrorCode": 429, "Message": "Slow"}, "Retry-After: 7"), Throttled, "http_429"),
        (answering(500, {"Message": "Ouch"}), Unknown, "http_500"),
        (b"", Unknown, "connection_reset"),
    ],
)
def test_each_answer_of_an_esp_means_what_it_says(settings: Any, answer: bytes, kind: type, code: str) -> None:
    outcome, _ = send(settings, answer)
    assert (type(outcome), outcome.code) == (kind, code)


def test_no_email_was_sent_where_no_esp_listens(settings: Any) -> None:
    outcome, _ = send(settings, b"", url=f"http://127.0.0.1:{closed_port()}/")
    assert (type(outcome), outcome.code) == (Transient, "connection_refused")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"EMAIL_ESP": "nobody"}, "EMAIL_ESP"), ({"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "x"}}, "WEBHOOK_SECRET")],
)
def test_a_wrong_setting_stops_the_start(settings: Any, changes: dict[str, Any], words: str) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        EspChannel.from_settings("email", settings)


@pytest.mark.parametrize(
    "event",
    [
        {"MessageID": "id\x00", "Details": "Test"},
        {"MessageID": "id\ud800"},
        {"Details": "words\x00\ud800", "Description": "\x00"},
        {"MessageID": ["id"], "Description": {"a": 1}},
        {"Metadata": {"outbox": "9" * 18, "claim": "9" * 30}},
        {"Metadata": {"outbox": "\x00", "claim": ["1"]}},
        {"Metadata": {"outbox": "9" * 19}},
    ],
    ids=str,
)
def test_an_event_that_no_column_holds_as_it_is_told_is_answered(sent: OutboxMessage, event: dict[str, Any]) -> None:
    """An answer of 500 would be told again for hours."""
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "Email": ADDRESS}
    assert tell(bounce | event, sent).status_code == 200
