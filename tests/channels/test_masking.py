"""No channel's outcome or log line names anybody (G12)."""

import logging
from collections.abc import Callable

import pytest

from notifications.channels.base import Channel
from notifications.lifecycle import Permanent, Reason
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, outgoing, soon
from tests.stage.providers import PHONE


def test_a_refused_sms_names_nobody(sms: Channel, providers: SandboxClient) -> None:
    outcome = sms.send(outgoing("+99999"), soon())

    assert outcome == Permanent("twilio_21211", "Invalid 'To' Phone Number: …", reason=Reason.ADDRESS_INVALID)


def test_a_refused_email_names_nobody(email: Channel, providers: SandboxClient) -> None:
    providers.add_rule(channel="email", smtp=550, at="rcpt", message=f"5.1.1 <{ADDRESS}> unknown")

    assert email.send(an_email(), soon()) == Permanent("smtp_550", "5.1.1 <…> unknown")


def test_the_log_holds_neither_address_nor_words_nor_token(
    channel: Callable[..., Channel], providers: SandboxClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for answer in ({}, {"status": 400, "message": f"No {PHONE}"}, {"status": 500}, {"reset": True}):
        if answer:
            providers.add_rule(times=1, **answer)
        channel("sms").send(outgoing(parts={"text": "a secret word"}), soon())
    for answer in ({}, {"smtp": 550, "message": f"No {ADDRESS}"}, {"reset": True}):
        if answer:
            providers.add_rule(channel="email", times=1, **answer)
        channel("email").send(an_email(text="a secret word"), soon())

    assert len(providers.messages()) == 7
    for secret in (PHONE, PHONE.removeprefix("+"), ADDRESS, "secret word", providers.auth_token):
        assert secret not in caplog.text
