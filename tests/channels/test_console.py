"""The console channel prints each message as one block."""

import pytest

from notifications.channels.console import ConsoleChannel
from notifications.lifecycle import Accepted
from tests.channels.conftest import ADDRESS, an_email, outgoing, soon
from tests.stage.providers import PHONE


def test_a_message_is_printed_with_its_address_and_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = ConsoleChannel("sms").send(outgoing(parts={"text": "Hello\nAsha"}), soon())

    title, *text = capsys.readouterr().out.splitlines()
    assert outcome == Accepted("console-7-3")
    assert title.startswith(f"── sms to {PHONE} · message 7 · test.greeting ──")
    assert text == ["  Hello", "  Asha"]


def test_it_stands_in_for_email_with_the_text_part(capsys: pytest.CaptureFixture[str]) -> None:
    channel = ConsoleChannel("email")
    channel.send(an_email(), soon())

    assert (channel.address_field, channel.templates) == ("email", {"text": "email.txt"})
    assert f"email to {ADDRESS}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["sms", "whatsapp"])
def test_it_stands_in_for_channels_to_a_phone(name: str) -> None:
    channel = ConsoleChannel.from_settings(name, settings=None)

    assert (channel.address_field, channel.templates) == ("phone", {"text": f"{name}.txt"})
