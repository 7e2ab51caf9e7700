"""An account of Twilio's, and this project at a public address."""

from typing import Any

import pytest

from tests.webhooks.twilio import ACCOUNT_SID, AUTH_TOKEN, PUBLIC_URL


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PUBLIC_URL = PUBLIC_URL
    settings.TWILIO_ACCOUNT_SID = ACCOUNT_SID
    settings.TWILIO_AUTH_TOKEN = AUTH_TOKEN
