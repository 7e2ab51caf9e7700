"""*Send me this*: a preview goes to who asks, marked, outside the caps, on record, so many an hour; and whose words."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from notifications import own_preview
from notifications.content.release import release
from notifications.kinds import Kind
from notifications.models import Allowance, OperatorAction, OutboxMessage, Relay
from notifications.recipients.contact import recipient_of
from notifications.testing.in_process import drain
from tests.factories.notifications import publish_one, registered
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, SEND = reverse("admin:notifications_preview"), reverse("admin:notifications_preview_send")
KIND = Kind("test.greeting", channels=("sms", "email"), sample={"name": "Ann"})
CHOICE = {"kind": "test.greeting", "locale": "en", "time_zone": "UTC"}


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered(KIND):
        yield


@pytest.fixture
def client() -> Client:
    signed_in = staff("view_outboxmessage", "preview_outboxmessage")
    User.objects.filter(username="support").update(email="support@example.com")
    return signed_in


def send(client: Client, channel: str = "email") -> str:
    return client.post(SEND, {**CHOICE, "channel": channel}, follow=True).content.decode()


def test_a_preview_goes_to_who_asks_marked_and_on_record(client: Client) -> None:
    page = client.get(PAGE, CHOICE).content.decode()
    assert "Send me this, to support@example.com" in page
    assert page.count("Send me this") == 1  # they have no phone number
    assert "It is on its way to you" in send(client)
    (sent,) = drain()

    assert (sent.to, sent.subject, sent.channel) == ("support@example.com", "[Preview] Hello Ann", "email")
    assert "Customers did not get it." in sent.parts["text"]
    assert "<p>Hello Ann</p>" in sent.parts["html"]
    (record,) = OperatorAction.objects.all()
    assert (record.action, record.detail, record.actor) == ("send_preview", "of test.greeting", "support")
    assert record.message_id == OutboxMessage.objects.get().pk


def test_it_counts_under_no_cap_and_goes_where_one_is_spent(client: Client, settings: Settings) -> None:
    settings.OUTBOX_CAP_RECIPIENT_DAY = 1
    recipient = recipient_of(User.objects.get(username="support"))
    send(client)
    assert len(drain()) == 1
    assert not Allowance.objects.exists()
    for _ in range(2):
        publish_one(recipient, kind=replace(KIND, channels=("email",)))
    assert len(drain()) == 1
    send(client)
    assert len(drain()) == 1


def test_so_many_an_hour_are_enough(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_preview, "MOST_AN_HOUR", 1)
    send(client)
    assert "You have had 1 previews within an hour" in send(client)
    assert OutboxMessage.objects.count() == 1


def test_nobody_else_and_nothing_else_can_be_reached(client: Client) -> None:
    assert client.post(SEND, {**CHOICE, "channel": "sms"}).status_code == 404
    assert client.post(SEND, {**CHOICE, "kind": "nothing", "channel": "email"}).status_code == 404
    assert client.get(SEND).status_code == 405
    other = staff("view_outboxmessage", name="other")
    assert other.post(SEND, {**CHOICE, "channel": "email"}).status_code == 403
    assert "Send me this" not in other.get(PAGE, CHOICE).content.decode()
    assert not OutboxMessage.objects.exists()


def test_the_preview_says_whose_words_it_shows(client: Client) -> None:
    page = client.get(PAGE, CHOICE).content.decode()
    assert f"release {release()}" in page
    assert "The relays run the same." in page
    now = timezone.now()
    Relay.objects.create(
        host="h", pid=1, concurrency=1, started_at=now, heartbeat_at=now, lease_until=now, release="old-one"
    )
    assert "runs other code or templates (old-one)" in client.get(PAGE, CHOICE).content.decode()
