"""Encrypted connections keep to the deadline too, and a failed handshake means that nothing was sent."""

import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from notifications.channels.base import Channel
from notifications.lifecycle import Accepted, Transient, Unknown
from tests.channels.conftest import an_email, outgoing, soon
from tests.channels.servers import created, drip, read_request, scripted_server, silence, smtp_script

Channels = Callable[..., Channel]


def create(sock: Any) -> None:
    while read_request(sock):
        sock.sendall(created())


@pytest.mark.usefixtures("trusted")
def test_an_sms_goes_out_encrypted_and_the_connection_is_kept(channel: Channels, context: ssl.SSLContext) -> None:
    with scripted_server(create, context=context) as server:
        sms = channel("sms", TWILIO_API_URL=f"https://127.0.0.1:{server.port}")

        assert [sms.send(outgoing(), soon()) for _ in range(3)] == 3 * [Accepted("SM" + "1" * 32)]
        assert len(server.connections) == 1


@pytest.mark.usefixtures("trusted")
def test_an_email_goes_out_encrypted_from_the_start(channel: Channels, context: ssl.SSLContext) -> None:
    with scripted_server(smtp_script(), context=context) as server:
        email = channel("email", EMAIL_URL=f"smtp+ssl://me:secret@127.0.0.1:{server.port}")

        assert [type(email.send(an_email(), soon())) for _ in range(3)] == 3 * [Accepted]
        assert len(server.connections) == 1


@pytest.mark.usefixtures("trusted")
def test_an_email_goes_out_encrypted_after_starttls(channel: Channels, context: ssl.SSLContext) -> None:
    def upgrade(sock: Any) -> None:
        sock.sendall(b"220 go on\r\n")
        with context.wrap_socket(sock, server_side=True) as encrypted:
            server.connections[-1] = encrypted
            smtp_script(greeting=b"")(encrypted)

    with scripted_server(smtp_script(ehlo=b"250-scripted\r\n250 STARTTLS\r\n", starttls=upgrade)) as server:
        email = channel("email", EMAIL_URL=f"smtp+tls://me:secret@127.0.0.1:{server.port}")

        assert isinstance(email.send(an_email(), soon()), Accepted)


def test_nobody_is_told_anything_without_a_trusted_certificate(channel: Channels, context: ssl.SSLContext) -> None:
    heard: list[bytes] = []
    with scripted_server(lambda sock: heard.append(sock.recv(1)), context=context) as server:
        sms = channel("sms", TWILIO_API_URL=f"https://127.0.0.1:{server.port}")
        email = channel("email", EMAIL_URL=f"smtp+ssl://me:secret@127.0.0.1:{server.port}")
        outcomes = [sms.send(outgoing(), soon()), email.send(an_email(), soon())]

    assert outcomes == 2 * [Transient("tls_failure", "SSLCertVerificationError")]
    assert not any(heard)


def test_a_server_without_starttls_gets_no_email(channel: Channels) -> None:
    with scripted_server(smtp_script()) as server:
        email = channel("email", EMAIL_URL=f"smtp+tls://me:secret@127.0.0.1:{server.port}")

        assert isinstance(email.send(an_email(), soon()), Transient)


def test_a_server_that_does_not_speak_tls_gets_nothing(channel: Channels) -> None:
    with scripted_server(lambda sock: sock.sendall(b"220 what is this?\r\n" * 10)) as server:
        sms = channel("sms", TWILIO_API_URL=f"https://127.0.0.1:{server.port}")
        outcome = sms.send(outgoing(), soon())

        assert outcome == Transient("tls_failure", "SSLError")
        assert len(server.connections) == 1, "without a hidden retry"


@pytest.mark.parametrize("url", ["https://", "smtp+ssl://"])
def test_a_handshake_that_never_ends_is_cut_at_the_deadline(channel: Channels, url: str) -> None:
    with scripted_server(silence) as server:
        address = f"{url}127.0.0.1:{server.port}"
        deadline = soon(0.5)
        if url == "https://":
            outcome = channel("sms", TWILIO_API_URL=address).send(outgoing(), deadline)
        else:
            outcome = channel("email", EMAIL_URL=address).send(an_email(), deadline)

    assert isinstance(outcome, Transient)
    assert outcome.code == "connect_timeout"
    assert soon(-0.5).at < deadline.at


def test_a_handshake_that_drips_is_cut_at_the_deadline(channel: Channels) -> None:
    stop = threading.Event()
    record = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + bytes(16_000)
    with scripted_server(lambda sock: drip(sock, record, stop=stop)) as server:
        deadline = soon(0.5)
        outcome = channel("sms", TWILIO_API_URL=f"https://127.0.0.1:{server.port}").send(outgoing(), deadline)
        stop.set()

    assert isinstance(outcome, Transient)
    assert outcome.code == "connect_timeout"
    assert soon(-0.5).at < deadline.at


@pytest.mark.usefixtures("trusted")
def test_an_encrypted_answer_that_drips_is_cut_at_the_deadline(channel: Channels, context: ssl.SSLContext) -> None:
    stop = threading.Event()

    def answer_slowly(sock: Any) -> None:
        read_request(sock)
        drip(sock, created().ljust(1000), stop=stop)

    with scripted_server(answer_slowly, context=context) as server:
        deadline = soon(0.5)
        outcome = channel("sms", TWILIO_API_URL=f"https://127.0.0.1:{server.port}").send(outgoing(), deadline)
        stop.set()

    assert isinstance(outcome, Unknown)
    assert soon(-0.5).at < deadline.at


@pytest.mark.usefixtures("trusted")
def test_an_encrypted_mail_server_that_drips_is_cut_at_the_deadline(channel: Channels, context: ssl.SSLContext) -> None:
    stop = threading.Event()
    script = smtp_script(words=lambda sock: drip(sock, b"250-" + b"x" * 1000, stop=stop))
    with scripted_server(script, context=context) as server:
        deadline = soon(0.5)
        outcome = channel("email", EMAIL_URL=f"smtp+ssl://127.0.0.1:{server.port}").send(an_email(), deadline)
        stop.set()

    assert isinstance(outcome, Unknown)
    assert soon(-0.5).at < deadline.at


@pytest.mark.usefixtures("trusted")
def test_a_proxy_of_the_environment_passes_on_what_is_encrypted(
    channel: Channels, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def pass_on(sock: Any) -> None:
        asked.append(read_request(sock))
        sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with context.wrap_socket(sock, server_side=True) as encrypted:
            proxy.connections[-1] = encrypted
            create(encrypted)

    with scripted_server(pass_on) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.delenv("NO_PROXY")
        sms = channel("sms", TWILIO_API_URL="https://127.0.0.1:444")

        assert [sms.send(outgoing(), soon()) for _ in range(3)] == 3 * [Accepted("SM" + "1" * 32)]
        assert len(proxy.connections) == 1
    assert asked[0].startswith(b"CONNECT 127.0.0.1:444 HTTP/1.")
