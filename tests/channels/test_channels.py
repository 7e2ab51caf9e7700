"""Channels are built from settings, and a setting that is missing or wrong is named before anything is sent."""

import traceback
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from notifications.channels import build_channels
from notifications.channels.console import ConsoleChannel
from notifications.channels.email import EmailChannel
from notifications.channels.twilio import SmsChannel, WhatsAppChannel
from notifications.lifecycle import Accepted
from tests.channels.conftest import an_email, soon

CHANNELS = {
    "sms": "notifications.channels.twilio.SmsChannel",
    "whatsapp": "notifications.channels.twilio.WhatsAppChannel",
    "email": "notifications.channels.email.EmailChannel",
}
COMPLETE = {
    "OUTBOX_CHANNELS": CHANNELS,
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_API_URL": "",
    "TWILIO_SMS_FROM": "+14155550000",
    "TWILIO_MESSAGING_SERVICE_SID": "",
    "TWILIO_WHATSAPP_FROM": "+14155550001",
    "EMAIL_URL": "smtp://localhost:25",
}


def test_all_configured_channels_are_built() -> None:
    with override_settings(**COMPLETE):
        channels = build_channels()

    kinds = {name: type(channel) for name, channel in channels.items()}
    assert kinds == {"sms": SmsChannel, "whatsapp": WhatsAppChannel, "email": EmailChannel}
    assert {name: channel.name for name, channel in channels.items()} == {name: name for name in kinds}


def test_only_the_channels_asked_for_are_built() -> None:
    with override_settings(**COMPLETE | {"TWILIO_AUTH_TOKEN": "", "TWILIO_WHATSAPP_FROM": ""}):
        assert list(build_channels(["email"])) == ["email"]
        assert build_channels([]) == {}


def test_another_projects_channel_needs_one_line() -> None:
    with override_settings(OUTBOX_CHANNELS={"pigeon": "notifications.channels.console.ConsoleChannel"}):
        assert isinstance(build_channels()["pigeon"], ConsoleChannel)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID is not set; the channel 'sms' needs it"),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_ACCOUNT_SID must be AC and 32 hexadecimal digits"),
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is not set"),
        ({"TWILIO_SMS_FROM": ""}, r"TWILIO_SMS_FROM \(or TWILIO_MESSAGING_SERVICE_SID\) is not set"),
        ({"TWILIO_WHATSAPP_FROM": ""}, "TWILIO_WHATSAPP_FROM is not set; the channel 'whatsapp' needs it"),
        ({"TWILIO_API_URL": "localhost:8090"}, "TWILIO_API_URL must be"),
        ({"TWILIO_API_URL": "http://localhost/path"}, "TWILIO_API_URL must be"),
        ({"TWILIO_API_URL": "ftp://localhost"}, "TWILIO_API_URL must be"),
        ({"EMAIL_URL": "http://localhost"}, "EMAIL_URL is not a URL that can be used here"),
        ({"EMAIL_URL": "smtp://localhost:port"}, "EMAIL_URL is not a URL that can be used here"),
        ({"EMAIL_URL": "smtp://"}, "EMAIL_URL must be smtp://"),
        ({"EMAIL_URL": "filemail:///tmp/mail"}, "EMAIL_URL must be smtp://"),
        ({"OUTBOX_CHANNELS": {"sms": "nowhere.Channel"}}, r"OUTBOX_CHANNELS\['sms'\] cannot be imported"),
        ({"OUTBOX_CHANNELS": {"sms": "pathlib.Path"}}, r"OUTBOX_CHANNELS\['sms'\] is not a Channel: pathlib.Path"),
        ({"OUTBOX_CHANNELS": {"sms": "os.getcwd"}}, r"OUTBOX_CHANNELS\['sms'\] is not a Channel: os.getcwd"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(changes: dict[str, Any], words: str) -> None:
    with override_settings(**COMPLETE | changes), pytest.raises(ImproperlyConfigured, match=words):
        build_channels()


def test_an_unknown_channel_is_named_with_those_that_exist() -> None:
    with (
        override_settings(**COMPLETE),
        pytest.raises(ImproperlyConfigured, match="'fax'; OUTBOX_CHANNELS has: sms, whatsapp, email"),
    ):
        build_channels(["sms", "fax"])


@pytest.mark.parametrize("url", ["smtp://me:hunter2@localhost:port", "gopher://me:hunter2@localhost"])
def test_a_wrong_url_does_not_show_its_password(url: str) -> None:
    with override_settings(**COMPLETE | {"EMAIL_URL": url}), pytest.raises(ImproperlyConfigured) as raised:
        build_channels()

    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def test_email_can_go_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with override_settings(**COMPLETE | {"EMAIL_URL": "consolemail://"}):
        outcome = build_channels(["email"])["email"].send(an_email(), soon())

    assert isinstance(outcome, Accepted)
    assert "Subject: Your booking" in capsys.readouterr().out
