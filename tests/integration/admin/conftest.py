"""What support looks for in the admin."""

import pytest

from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain


@pytest.fixture
def failed(transactional_db: None) -> OutboxMessage:
    message = publish_one(RecipientFactory(), reference="booking:12")
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "Invalid 'To' phone number")))
    return message
