"""An email to a server that offers PIPELINING: what is said in one go, and what a refusal leaves behind."""

import socket
import threading
from collections.abc import Callable

import pytest

from notifications.channels.base import Channel
from notifications.lifecycle import Accepted, Permanent, Transient
from tests.channels.conftest import an_email, kind_and_code, soon
from tests.channels.servers import ScriptedServer, scripted_server, smtp_script

Channels = Callable[..., Channel]

OFFER = b"250-scripted\r\n250-PIPELINING\r\n250 SIZE 100000\r\n"


def sends(channel: Channels, server: ScriptedServer) -> Channel:
    return channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}")


def test_an_email_takes_two_round_trips(channel: Channels) -> None:
    asked: list[bytes] = []

    def serve(sock: socket.socket) -> None:
        sock.sendall(b"220 hello\r\n")
        sock.recv(1000)
        sock.sendall(OFFER)
        asked.append(sock.recv(1000))  # before anything is answered
        sock.sendall(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        while not asked[-1].endswith(b"\r\n.\r\n"):
            asked.append(sock.recv(100_000))
        sock.sendall(b"250 taken\r\n")

    with scripted_server(serve) as server:
        assert isinstance(sends(channel, server).send(an_email(), soon()), Accepted)

    commands = asked[0].decode().split("\r\n")
    assert commands[0].startswith("MAIL FROM:<")
    assert " SIZE=" in commands[0]
    assert commands[1].startswith("RCPT TO:<")
    assert commands[2:] == ["DATA", ""]


def test_lines_that_begin_with_a_dot_arrive_with_it_and_end_nothing(channel: Channels) -> None:
    heard: list[bytes] = []
    with scripted_server(smtp_script(heard, ehlo=OFFER)) as server:
        sent = sends(channel, server).send(an_email(text=".\n.one\n..two\nend"), soon())

    assert isinstance(sent, Accepted)
    start = heard.index(b"..")
    assert heard[start : start + 4] == [b"..", b"..one", b"...two", b"end"]


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ({"mail": b"550 not you\r\n", "rcpt": b"503 no\r\n", "data": b"503 no\r\n"}, (Permanent, "smtp_550")),
        ({"rcpt": b"550 nobody\r\n", "data": b"554 no valid recipients\r\n"}, (Permanent, "smtp_550")),
        ({"rcpt": b"450 busy\r\n", "data": b"503 no\r\n"}, (Transient, "smtp_450")),
        ({"data": b"451 later\r\n"}, (Transient, "smtp_451")),
        ({"words": b"554 spam\r\n"}, (Permanent, "smtp_554")),
    ],
)
def test_a_refusal_leaves_the_connection_for_the_next_email(
    channel: Channels, refused: dict[str, bytes], expected: tuple[type, str]
) -> None:
    heard: list[bytes] = []
    with scripted_server(smtp_script(heard, ehlo=OFFER, **refused)) as server:
        email = sends(channel, server)
        assert kind_and_code(email.send(an_email(), soon())) == expected
        assert kind_and_code(email.send(an_email(), soon())) == expected

        assert len(server.connections) == 1
    assert heard.count(b"rset") == 2


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_a_server_that_waits_for_words_after_a_refusal_gets_none(channel: Channels, stage: str) -> None:
    heard: list[bytes] = []
    with scripted_server(smtp_script(heard, ehlo=OFFER, **{stage: b"550 no\r\n"}), smtp_script(ehlo=OFFER)) as server:
        email = sends(channel, server)
        assert kind_and_code(email.send(an_email(), soon())) == (Permanent, "smtp_550")
        assert isinstance(email.send(an_email(), soon()), Accepted), "on a new connection"

    assert heard[-1] == b"DATA", "not even a dot, which would send an empty email"


def test_a_server_that_ends_the_dialogue_with_a_refusal_is_left(channel: Channels) -> None:
    gone = threading.Event()

    def say_goodbye(sock: socket.socket) -> None:
        sock.sendall(b"421 enough\r\n")
        sock.shutdown(socket.SHUT_RDWR)
        gone.set()

    with scripted_server(smtp_script(ehlo=OFFER, rcpt=say_goodbye), smtp_script(ehlo=OFFER)) as server:
        email = sends(channel, server)
        assert kind_and_code(email.send(an_email(), soon())) == (Transient, "smtp_421")
        assert gone.wait(5)
        assert isinstance(email.send(an_email(), soon()), Accepted)
