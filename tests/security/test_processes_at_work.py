"""A web and a relay, each with its own secrets alone: together they send a code, and take it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from notifications.sandbox.client import SandboxClient
from tests.stage.browser import Browser
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until
from tests.stage.web import running_web

LINK_KEY = "a key that web and relay share"
PHONE = "+14155550142"


@pytest.mark.django_db(transaction=True)
def test_a_code_that_a_relay_without_the_key_of_sessions_sends_is_good_at_the_web(
    database_url: str, providers: SandboxClient, relay_process: Callable[..., RelayProcess]
) -> None:
    twilio: dict[str, Any] = {
        "SMS_PROVIDER": "twilio",
        "WHATSAPP_PROVIDER": "twilio",
        "TWILIO_ACCOUNT_SID": providers.account_sid,
        "TWILIO_AUTH_TOKEN": providers.auth_token,
        "TWILIO_API_URL": providers.http_url,
        "EMAIL_URL": "",
        "TWILIO_SMS_FROM": "+14155550000",
        "TWILIO_WHATSAPP_FROM": "+14155550001",
    }
    web = running_web(DATABASE_URL=database_url, DJANGO_PROCESS="web", OUTBOX_LINK_KEY=LINK_KEY, **twilio)
    with web as address:
        relay = relay_process(
            DJANGO_DEBUG="0",
            DJANGO_SETTINGS_MODULE="config.settings",
            DJANGO_PROCESS="relay",
            OUTBOX_LINK_KEY=LINK_KEY,
            DJANGO_SECRET_KEY="",
            SANDBOX_GATEWAY_SECRET="",
            PAYMENT_GATEWAY="",
        )
        browser = Browser(address)
        browser.ask("GET", "/accounts/signup/")
        assert browser.ask("POST", "/accounts/signup/", data={"address": PHONE}).status_code == 302
        wait_until(lambda: any(each.to == PHONE for each in providers.messages()), seconds=60)
        (code,) = re.findall(r"\b\d{6}\b", providers.messages()[0].body)
        form = {"code": code, "name": "Ann", "password": "a long pass phrase"}
        done = browser.ask("POST", "/accounts/signup/code/", data=form)

    assert done.status_code == 302, done.text
    assert User.objects.get().first_name == "Ann"
    assert relay.process.poll() is None
