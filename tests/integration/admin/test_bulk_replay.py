"""What fails after the preview of a bulk replay is not replayed with it."""

import pytest
from django.urls import reverse

from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.staff import staff
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


REPLAY = reverse("admin:notifications_outboxmessage_replay")


def test_what_fails_after_the_preview_is_not_replayed_with_it(failed: OutboxMessage) -> None:
    client = staff("view_outboxmessage", "replay_outboxmessage")
    seen = client.get(REPLAY, {"channel": "sms"}).context["seen"]
    later = publish_one(RecipientFactory())
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "No.")))
    confirmed = {"channel": "sms", "reason": "why not", "as_of": seen.as_of.isoformat()}
    assert "Replay 2 messages" in client.post(REPLAY, {**confirmed, "as_of": ""}).content.decode(), "it asks again"
    begun = client.post(REPLAY, confirmed, follow=True).context["bulk"]
    client.post(reverse("admin:notifications_bulkreplay_continue", args=[begun.pk]))
    assert {row.pk: row.status for row in OutboxMessage.objects.all()} == {failed.pk: "pending", later.pk: "failed"}
