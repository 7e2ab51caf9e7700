"""What every channel promises the relay (docs/channels.md), the example in that page included."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Channel, Outgoing
from notifications.channels.console import ConsoleChannel
from notifications.channels.email import EmailChannel
from notifications.channels.meta import WhatsAppCloudChannel
from notifications.channels.resend import ResendChannel
from notifications.channels.sinch import SinchSmsChannel
from notifications.channels.twilio import SmsChannel, WhatsAppChannel
from notifications.channels.vonage import VonageSmsChannel
from notifications.channels.webpush import WebPushChannel
from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.push import Device
from tests.channels.conftest import an_email, outgoing, soon
from tests.channels.servers import (
    closed_port,
    created,
    drip,
    ok,
    read_request,
    reset,
    scripted_server,
    silence,
    smtp_script,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "channels.md"


def the_example(name: str) -> Any:
    """The class of this name, out of the page's code."""
    codes = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [code] = [code for code in codes if f"class {name}" in code]
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, str(PAGE), "exec"), names)
    return names[name]


TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_SMS_FROM": "+14155550000",
    "TWILIO_WHATSAPP_FROM": "+14155550001",
}
NETWORKED: dict[str, tuple[type[Channel], dict[str, str]]] = {
    "sms": (SmsChannel, {**TWILIO, "TWILIO_API_URL": "http://127.0.0.1:{}"}),
    "whatsapp": (WhatsAppChannel, {**TWILIO, "TWILIO_API_URL": "http://127.0.0.1:{}"}),
    "vonage": (
        VonageSmsChannel,
        {
            "VONAGE_API_KEY": "abcd1234",
            "VONAGE_API_SECRET": "secret",
            "VONAGE_SMS_FROM": "Acme",
            "VONAGE_API_URL": "http://127.0.0.1:{}",
        },
    ),
    "sinch": (
        SinchSmsChannel,
        {
            "SINCH_SERVICE_PLAN_ID": "plan",
            "SINCH_API_TOKEN": "token",
            "SINCH_SMS_FROM": "Acme",
            "SINCH_API_URL": "http://127.0.0.1:{}",
        },
    ),
    "meta": (
        WhatsAppCloudChannel,
        {
            "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
            "WHATSAPP_ACCESS_TOKEN": "token",
            "WHATSAPP_API_URL": "http://127.0.0.1:{}",
        },
    ),
    "resend": (
        ResendChannel,
        {
            "RESEND_API_KEY": "re_key",
            "RESEND_API_URL": "http://127.0.0.1:{}",
            "DEFAULT_FROM_EMAIL": "us@example.org",
        },
    ),
    "webpush": (
        WebPushChannel,
        {
            "WEBPUSH_PRIVATE_KEY": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",  # RFC 8291's example
            "WEBPUSH_PUBLIC_KEY": (
                "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
            ),
            "WEBPUSH_CONTACT": "mailto:us@example.org",
            "WEBPUSH_SERVICES": "http://127.0.0.1:{}",
        },
    ),
    "email": (EmailChannel, {"EMAIL_URL": "smtp://127.0.0.1:{}", "DEFAULT_FROM_EMAIL": "us@example.org"}),
    "example": (
        the_example("ExampleSmsChannel"),
        {"EXAMPLE_TOKEN": "token", "EXAMPLE_SMS_FROM": "Acme", "EXAMPLE_API_URL": "http://127.0.0.1:{}"},
    ),
    "webhook": (the_example("WebhookChannel"), {"WEBHOOK_URL": "http://127.0.0.1:{}/"}),
}
WELCOMES = {
    "example": lambda: ok(b'{"id": "1"}'),
    "resend": lambda: ok(b'{"id": "4ef9a417-02e9-4d39-ad75-9611e0fcc33c"}'),
    "sinch": lambda: ok(b'{"id": "01FC66621VHDBN119Z8PMV1QPQ"}'),
    "meta": lambda: ok(b'{"messages": [{"id": "wamid.HBgL"}]}'),
    "vonage": lambda: ok(b'{"message-count": "1", "messages": [{"status": "0", "message-id": "0A0000000123ABCD1"}]}'),
}
CLASSES = {name: channel for name, (channel, _) in NETWORKED.items()} | {"console": ConsoleChannel}
Make = Callable[[int], Channel]


@pytest.fixture(params=NETWORKED)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:

    channel, settings = NETWORKED[request.param]
    made: list[Channel] = []

    def towards(port: int) -> Channel:
        here = {name: value.format(port) for name, value in settings.items()}
        made.append(channel.from_settings(request.param, SimpleNamespace(**here)))
        return made[-1]

    yield towards
    for each in [*made, *made]:
        each.close()


A_BROWSER = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "BTBZMqHH6r4Tts7J_aSIgg",
)


def a_message(channel: Channel) -> Outgoing:
    if isinstance(channel, WebPushChannel):
        device = Device(1, f"{channel.services[0]}/push/browser", *A_BROWSER)
        return outgoing("1", parts={"title": "Hello", "text": "Hello"}, devices=(device,))
    return an_email() if channel.address_field == "email" else outgoing()


def welcome(channel: Channel) -> Callable[[socket.socket], None]:

    def answer(sock: socket.socket) -> None:
        while read_request(sock):
            sock.sendall(WELCOMES.get(channel.name, created)())

    return smtp_script() if channel.name == "email" else answer


@pytest.mark.parametrize("name", CLASSES)
def test_it_says_what_it_needs(name: str) -> None:
    channel, settings = NETWORKED.get(name, (ConsoleChannel, {}))
    made = channel.from_settings(name, SimpleNamespace(**{key: text.format(1) for key, text in settings.items()}))
    made.close()

    assert made.name == name
    assert made.address_field in ("phone", "email", "push")
    assert made.templates
    assert all(file.endswith((".txt", ".html")) for file in made.templates.values())
    assert made.templates_for("any.kind").keys() == made.templates.keys()
    assert made.sanitize("Ann O'Hara, 12:30") == "Ann O'Hara, 12:30"


@pytest.mark.parametrize("name", NETWORKED)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"[A-Z]+_[A-Z_]+ "):
        CLASSES[name].from_settings(name, SimpleNamespace())


def test_what_the_provider_takes_is_accepted(make: Make) -> None:
    with scripted_server(welcome(make(1))) as server:
        channel = make(server.port)
        outcomes = [channel.send(a_message(channel), soon()) for _ in range(2)]

    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]


def test_where_nobody_listens_nothing_was_sent(make: Make) -> None:
    channel = make(closed_port())

    assert isinstance(channel.send(a_message(channel), soon()), Transient)


def test_nothing_is_sent_after_the_deadline(make: Make) -> None:
    heard = threading.Event()
    with scripted_server(lambda sock: heard.set() if sock.recv(1) else None) as server:
        channel = make(server.port)
        outcome = channel.send(a_message(channel), soon(-1))

    assert isinstance(outcome, Transient)
    assert not heard.is_set()


@pytest.mark.parametrize("server", ["silent", "dripping"])
def test_it_returns_by_the_deadline_whatever_the_provider_does(make: Make, server: str) -> None:
    stop = threading.Event()
    scripts = {"silent": silence, "dripping": lambda sock: drip(sock, b"HTTP/1.1 " + b"2" * 5_000, stop=stop)}
    with scripted_server(scripts[server]) as there:
        channel, deadline = make(there.port), soon(0.3)
        outcome = channel.send(a_message(channel), deadline)
        late = soon(0).at - deadline.at
        stop.set()

    assert isinstance(outcome, Unknown | Transient)
    assert late < 1.5


@pytest.mark.parametrize("answer", [b"gibberish\r\n\r\n", b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n", b"\x00\xff"])
def test_no_answer_makes_it_raise_or_believe_it_was_accepted(make: Make, answer: bytes) -> None:
    def script(sock: socket.socket) -> None:
        sock.sendall(answer)
        sock.recv(65_536)

    with scripted_server(script) as server:
        channel = make(server.port)
        outcome: Outcome = channel.send(a_message(channel), soon(1))

    assert isinstance(outcome, Unknown | Transient | Permanent | Throttled)


def test_a_connection_that_breaks_off_is_no_success(make: Make) -> None:
    with scripted_server(reset) as server:
        channel = make(server.port)
        assert isinstance(channel.send(a_message(channel), soon()), Unknown | Transient)


def test_the_console_accepts_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(ConsoleChannel("sms").send(outgoing(), soon()), Accepted)
    assert "Hello" in capsys.readouterr().out
