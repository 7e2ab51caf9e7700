"""Addresses and words stay out of what is kept of an attempt, and out of the log (G12)."""

import logging
from collections.abc import Callable

import pytest

from notifications.channels.base import Channel
from notifications.lifecycle import Permanent, Reason
from notifications.policy.masking import MOST_CHARACTERS, masked
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, outgoing, soon
from tests.stage.providers import PHONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Invalid 'To' Phone Number: {PHONE}", "Invalid 'To' Phone Number: …"),
        ("call (415) 555-2671 or 0171 2345678", "call (… or …"),
        ("<asha@example.com>: unknown; ask o.k@example.org", "<…>: unknown; ask …"),
        ("5.1.1 error 21211, see 30005", "5.1.1 error 21211, see 30005"),
        ("over\r\nseveral\tlines", "over several lines"),
        ("", ""),
    ],
)
def test_what_looks_like_an_address_is_left_out(text: str, expected: str) -> None:
    assert masked(text, "") == expected


def test_the_recipients_own_address_is_left_out_whatever_it_looks_like() -> None:
    assert masked("no mailbox nobody here", "nobody") == "no mailbox … here"


def test_what_is_kept_is_short() -> None:
    assert len(masked("word " * 100_000, ADDRESS)) == MOST_CHARACTERS


def test_an_address_on_the_edge_of_what_is_kept_does_not_survive_in_part() -> None:
    assert "+1415" not in masked("x " * 147 + PHONE, PHONE)


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
