"""Support finds a failed message, sees why and replays it; who lacks the permission does not; nobody writes one."""

import pytest
from django.test import Client
from django.urls import reverse

from notifications.models import OperatorAction, OutboxMessage
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = reverse("admin:notifications_outboxmessage_changelist")
REPLAY = reverse("admin:notifications_outboxmessage_replay")


def replay(client: Client, *messages: OutboxMessage, reason: str = "number corrected") -> str:
    """Select in the list, look at the preview, confirm."""
    chosen = {"action": "replay_selected", "_selected_action": [m.pk for m in messages]}
    seen = client.post(MESSAGES, chosen, follow=True)
    assert seen.status_code == 200
    if "as_of" not in seen.content.decode():
        return seen.content.decode()
    confirmed = {"ids": [m.pk for m in messages], "reason": reason, "as_of": seen.context["seen"].as_of.isoformat()}
    return client.post(REPLAY, confirmed, follow=True).content.decode()


def test_support_finds_a_failed_message_sees_why_and_replays_it(failed: OutboxMessage) -> None:
    client = staff("view_outboxmessage", "replay_outboxmessage")
    for search in (str(failed.pk), "booking:12", failed.recipient.phone, failed.recipient.email):
        assert "twilio_21211" in client.get(MESSAGES, {"q": search, "status__exact": "failed"}).content.decode()
    page = client.get(reverse("admin:notifications_outboxmessage_change", args=[failed.pk])).content.decode()
    assert "Invalid &#x27;To&#x27; phone number" in page
    assert "Replayed. The message goes next in its lane." in replay(client, failed)
    failed.refresh_from_db()
    assert failed.status == "pending"
    record = OperatorAction.objects.get()
    assert (record.actor, record.reason, record.error_code) == ("support", "number corrected", "twilio_21211")
    assert "there is nothing to replay" in replay(client, failed)


def test_who_may_only_look_cannot_replay(failed: OutboxMessage) -> None:
    client = staff("view_outboxmessage")
    assert "replay_selected" not in client.get(MESSAGES).content.decode()
    replay(client, failed)
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_who_may_nothing_sees_nothing(failed: OutboxMessage) -> None:
    assert staff().get(MESSAGES).status_code == 403


def test_messages_cannot_be_written_by_hand(failed: OutboxMessage, admin_client: Client) -> None:
    change = reverse("admin:notifications_outboxmessage_change", args=[failed.pk])
    for address in (
        change,
        reverse("admin:notifications_outboxmessage_add"),
        reverse("admin:notifications_outboxmessage_delete", args=[failed.pk]),
    ):
        assert admin_client.post(address, {"status": "sent"}).status_code == 403
    failed.refresh_from_db()
    assert failed.status == "failed"
