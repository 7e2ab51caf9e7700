"""Channels built from settings, as a relay builds them, towards the provider sandbox or a scripted server."""

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.channels.email import EmailChannel
from notifications.channels.twilio import SmsChannel, WhatsAppChannel
from notifications.lifecycle import Outcome
from notifications.sandbox.client import SandboxClient
from tests.stage.providers import PHONE

ADDRESS = "asha@example.com"
CLASSES: dict[str, type[Channel]] = {"sms": SmsChannel, "whatsapp": WhatsAppChannel, "email": EmailChannel}


@pytest.fixture(autouse=True)
def _without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def channel(providers: SandboxClient, settings: Settings) -> Iterator[Callable[..., Channel]]:
    """Makes the channel `name` from settings that lead to the sandbox, unless `changes` lead elsewhere."""
    made: list[Channel] = []

    def make(name: str, **changes: Any) -> Channel:
        settings.PUBLIC_URL = changes.pop("PUBLIC_URL", "")  # is the project's, not the channel's
        given = {
            "TWILIO_ACCOUNT_SID": providers.account_sid,
            "TWILIO_AUTH_TOKEN": providers.auth_token,
            "TWILIO_API_URL": providers.http_url,
            "TWILIO_SMS_FROM": "+14155550000",
            "TWILIO_WHATSAPP_FROM": "+14155550001",
            "EMAIL_URL": providers.email_url,
            "DEFAULT_FROM_EMAIL": "Bookings <bookings@example.org>",
        }
        made.append(CLASSES[name].from_settings(name, SimpleNamespace(**(given | changes))))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def sms(channel: Callable[..., Channel]) -> Channel:
    return channel("sms")


@pytest.fixture
def email(channel: Callable[..., Channel]) -> Channel:
    return channel("email")


def outgoing(address: str = PHONE, **changes: Any) -> Outgoing:
    """An SMS or WhatsApp message."""
    facts: dict[str, Any] = {"message_id": 7, "claim_number": 3, "kind": "test.greeting", "parts": {"text": "Hello"}}
    return Outgoing(address=address, **(facts | changes))


def an_email(address: str = ADDRESS, **parts: str) -> Outgoing:
    words = {"subject": "Your booking", "text": "Hello", "html": "<p>Hello</p>"}
    return outgoing(address, parts=words | parts)


def soon(seconds: float = 10.0) -> Deadline:
    return Deadline.after(seconds)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key with a certificate for 127.0.0.1, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    extensions = "-addext subjectAltName=IP:127.0.0.1 -addext keyUsage=digitalSignature,keyCertSign"
    key = path.with_name("key.pem")
    subprocess.run(
        [openssl, *request.split(), *extensions.split(), "-keyout", str(key), "-out", str(path)],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def kind_and_code(outcome: Outcome) -> tuple[type[Outcome], str]:
    return type(outcome), outcome.code
