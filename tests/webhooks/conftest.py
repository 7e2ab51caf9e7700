"""An account of Twilio's, and this project at a public address."""

from typing import Any

import pytest
from django.utils import timezone

from notifications.lifecycle import Status
from notifications.models import OutboxMessage
from tests.factories.notifications import RecipientFactory, publish_one
from tests.webhooks.twilio import ACCOUNT_SID, AUTH_TOKEN, PUBLIC_URL, sid


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PUBLIC_URL = PUBLIC_URL
    settings.TWILIO_ACCOUNT_SID = ACCOUNT_SID
    settings.TWILIO_AUTH_TOKEN = AUTH_TOKEN


@pytest.fixture
def sent() -> OutboxMessage:
    """A message that Twilio has accepted."""
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.filter(pk=message.pk).update(
        status=Status.SENT, finished_at=timezone.now(), claim_number=1, provider_id=sid()
    )
    message.refresh_from_db()
    return message


def receipt_of(message: OutboxMessage) -> str:
    message.refresh_from_db()
    return message.receipt
