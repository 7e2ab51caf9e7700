"""Email's addresses and subjects: what reaches the server as written, and what is refused before it is asked."""

from collections.abc import Callable

import pytest

from notifications.channels.base import Channel
from notifications.lifecycle import Accepted, Permanent
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, kind_and_code, soon
from tests.channels.servers import scripted_server, smtp_script

Channels = Callable[..., Channel]


@pytest.mark.parametrize("subject", ["Hello\nBcc: everybody@example.com", "Hello\r\nX: y", "Hel\rlo"])
def test_a_subject_of_more_than_one_line_is_a_permanent_failure(
    email: Channel, providers: SandboxClient, subject: str
) -> None:
    assert kind_and_code(email.send(an_email(subject=subject), soon())) == (Permanent, "bad_header")
    assert providers.messages() == []


@pytest.mark.parametrize("address", ["", " ", "two@at@example.com", "a@example.com\nBcc: b@example.com", "@"])
def test_an_impossible_address_is_a_permanent_failure(email: Channel, providers: SandboxClient, address: str) -> None:
    outcome = email.send(an_email(address), soon())

    assert isinstance(outcome, Permanent)
    assert not any(received.accepted for received in providers.messages())


def test_a_long_address_in_another_script_is_understood(email: Channel, providers: SandboxClient) -> None:
    assert isinstance(email.send(an_email("asha@bücher.example"), soon()), Accepted)

    [received] = providers.messages()
    assert received.to == "asha@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("address", "envelope"),
    [
        ("müller@example.com", "müller@example.com"),
        ("δοκιμή@παράδειγμα.example", "δοκιμή@xn--hxajbheg2az3al.example"),
        ("用户@例え.example", "用户@xn--r8jz45g.example"),
        ("asha@straße.example", "asha@xn--strae-oqa.example"),
        ('"ann"@example.com', '"ann"@example.com'),
        ('"a b@c"@example.com', '"a b@c"@example.com'),
        ("o'hara+x@example.com", "o'hara+x@example.com"),
        ("Ann@Example.COM", "Ann@Example.COM"),
        ("ann..b@example.com", "ann..b@example.com"),
        (".ann.@example.com", ".ann.@example.com"),
    ],
)
def test_an_address_reaches_the_server_as_it_is_written(channel: Channels, address: str, envelope: str) -> None:
    heard: list[bytes] = []
    with scripted_server(smtp_script(ehlo=b"250-scripted\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n", heard=heard)) as server:
        email = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        assert isinstance(email.send(an_email(address, subject="Grüße"), soon()), Accepted)
        email.close()

    assert f"rcpt TO:<{envelope}>".encode() in heard
    needs_utf8 = not envelope.isascii()
    assert any(line.lower().startswith(b"mail from:") and (b"SMTPUTF8" in line) == needs_utf8 for line in heard)
    if needs_utf8:
        assert f"To: {envelope}".encode() in heard


def test_an_address_that_needs_smtputf8_is_refused_where_the_server_has_none(channel: Channels) -> None:
    heard: list[bytes] = []
    with scripted_server(smtp_script(heard=heard)) as server:
        email = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        refused = email.send(an_email("müller@example.com"), soon())
        assert isinstance(email.send(an_email(), soon()), Accepted), "and the next message goes out"
        email.close()

    assert kind_and_code(refused) == (Permanent, "smtputf8_not_offered")
    assert [line for line in heard if line.startswith(b"rcpt")] == [f"rcpt TO:<{ADDRESS}>".encode()]
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "address",
    [
        *("ann", "@example.com", "ann@", "ann@example.com ", " ann@example.com", "ann b@example.com", "a@b@c.example"),
        *("Ann <ann@example.com>", "ann(work)@example.com", "<ann@example.com>", "ann@example.com, bob@example.com"),
        *(
            "ann\u2028@example.com",
            "ann\u3000b@example.com",
            "ann@exam\u200bple..com",
            "ann@-ü.example",
            "\ud800@a.example",
        ),
        *("x" * 250 + "@example.com", "ann@example.com.", "=?utf-8?q?a?=x y@example.com", '"a"b"@example.com'),
    ],
)
def test_an_address_that_would_be_changed_is_refused_and_the_reason_does_not_repeat_it(
    email: Channel, providers: SandboxClient, address: str
) -> None:
    outcome = email.send(an_email(address), soon())

    assert kind_and_code(outcome) == (Permanent, "bad_address")
    assert outcome.detail
    assert "example" not in outcome.detail
    assert providers.messages() == []
