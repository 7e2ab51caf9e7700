"""What the commands find."""

import pytest

from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain


@pytest.fixture
def failed(transactional_db: None) -> list[OutboxMessage]:
    """Three dead letters: two of them with one code, the third with another."""
    codes = iter(["twilio_21211", "twilio_21211", "twilio_30007"])
    messages = [publish_one(RecipientFactory()) for _ in range(3)]
    drain(RecordingChannel(answer=lambda outgoing: Permanent(next(codes), "No.")), concurrency=1)
    assert {message.status for message in OutboxMessage.objects.all()} == {"failed"}
    return messages
