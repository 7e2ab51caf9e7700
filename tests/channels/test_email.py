"""Email: what reaches the server, what each of its answers comes to, and how connections are kept."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from notifications.channels import smtp_connections
from notifications.channels.base import Channel
from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Transient, Unknown
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, kind_and_code, soon
from tests.channels.servers import closed_port, drip, reset, scripted_server, silence, smtp_script
from tests.stage.waiting import wait_until

Channels = Callable[..., Channel]
TEXT = "Grüße, Asha 🎉\n.hidden dot\n..two\n\nFrom here\n" + "x" * 2000


def test_an_email_arrives_with_both_parts_and_our_headers(email: Channel, providers: SandboxClient) -> None:
    outcome = email.send(an_email(subject="Ihre Buchung ✓", text=TEXT, html="<p>Grüße</p>"), soon())

    [received] = providers.messages()
    assert outcome == Accepted("<outbox-7@example.org>")
    assert (received.to, received.sender) == (ADDRESS, "bookings@example.org")
    assert (received.subject, received.html.strip()) == ("Ihre Buchung ✓", "<p>Grüße</p>")
    assert received.body.rstrip("\n") == TEXT
    assert (received.message_id, received.outbox_id) == ("<outbox-7@example.org>", 7)
    assert received.headers["From"] == "Bookings <bookings@example.org>"
    assert received.headers["To"] == ADDRESS
    assert received.headers["Auto-Submitted"] == "auto-generated"
    assert received.headers["Content-Type"].startswith("multipart/alternative")
    assert "Date" in received.headers


def test_every_attempt_carries_the_same_message_id(email: Channel, providers: SandboxClient) -> None:
    providers.add_rule(channel="email", reset=True, accept=True, times=1)
    email.send(an_email(), soon())
    email.send(an_email(), soon())

    assert [received.outbox_id for received in providers.messages()] == [7, 7]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(("code", "expected"), [(450, Transient), (421, Transient), (550, Permanent), (552, Permanent)])
def test_a_refusal_counts_at_each_stage(
    email: Channel, providers: SandboxClient, stage: str, code: int, expected: type[Outcome]
) -> None:
    providers.add_rule(channel="email", smtp=code, at=stage, message="No.", times=1)

    outcome = email.send(an_email(), soon())
    assert (type(outcome), outcome.code, outcome.detail) == (expected, f"smtp_{code}", "No.")
    assert isinstance(outcome, Permanent) or outcome.deferral == Deferral(None, is_about_message=code == 450)
    assert isinstance(email.send(an_email(), soon()), Accepted), "and the next message goes out"


@pytest.mark.parametrize(
    ("stage", "answer", "expected"),
    [
        ("greeting", b"554 not today\r\n", (Transient, "smtp_554")),
        ("greeting", b"", (Transient, "connect_timeout")),
        ("greeting", b"HTTP/1.1 400 Bad Request\r\n", (Transient, "unreadable_answer")),
        ("ehlo", b"554 not you\r\n", (Transient, "smtp_502")),  # HELO is tried next
        ("auth", b"535 wrong password\r\n", (Transient, "smtp_535")),
        ("data", b"451 later\r\n", (Transient, "smtp_451")),
        ("data", b"554 no\r\n", (Permanent, "smtp_554")),
        ("words", b"", (Unknown, "timeout")),
        ("words", b"gibberish\r\n", (Unknown, "unreadable_answer")),
        ("words", b"250 half an answer", (Accepted, "")),  # the code says it all
        ("mail", reset, (Transient, "connect_failed")),
        ("rcpt", reset, (Transient, "connect_failed")),
        ("data", reset, (Transient, "connect_failed")),
        ("words", reset, (Unknown, "connection_reset")),
    ],
)
@pytest.mark.parametrize("offer", [b"", b"250-PIPELINING\r\n"], ids=["one by one", "pipelined"])
def test_each_break_of_the_dialogue_means_what_it_says(
    channel: Channels, stage: str, answer: Any, expected: tuple[type[Outcome], str], offer: bytes
) -> None:
    with scripted_server(
        smtp_script(**{"ehlo": b"250-scripted\r\n%s250 AUTH PLAIN\r\n" % offer, stage: answer})
    ) as server:
        email = channel("email", EMAIL_URL=f"smtp://me:secret@127.0.0.1:{server.port}")

        assert kind_and_code(email.send(an_email(), soon(0.5))) == expected


def test_a_login_that_the_server_does_not_offer_is_worth_another_try(channel: Channels) -> None:
    with scripted_server(smtp_script(ehlo=b"250 scripted\r\n")) as server:
        email = channel("email", EMAIL_URL=f"smtp://me:secret@127.0.0.1:{server.port}")

        assert isinstance(email.send(an_email(), soon()), Transient)


def test_no_email_was_sent_where_no_smtp_server_listens(channel: Channels) -> None:
    email = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{closed_port()}")

    assert email.send(an_email(), soon()) == Transient("connection_refused", "ConnectionRefusedError")


@pytest.mark.parametrize("accept", [True, False])
def test_a_connection_lost_after_the_final_dot_is_unknown(
    email: Channel, providers: SandboxClient, *, accept: bool
) -> None:
    providers.add_rule(channel="email", reset=True, accept=accept)

    assert kind_and_code(email.send(an_email(), soon())) == (Unknown, "connection_reset")
    assert [received.accepted for received in providers.messages()] == [accept]


@pytest.mark.parametrize(
    ("stage", "expected"), [("greeting", Transient), ("mail", Transient), ("data", Transient), ("words", Unknown)]
)
def test_a_server_that_drips_is_cut_at_the_deadline(channel: Channels, stage: str, expected: type[Outcome]) -> None:
    stop = threading.Event()
    with scripted_server(smtp_script(**{stage: lambda sock: drip(sock, b"250-" + b"x" * 5000, stop=stop)})) as server:
        deadline = soon(0.5)
        outcome = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}").send(an_email(), deadline)
        stop.set()

    assert isinstance(outcome, expected)
    assert outcome.code in ("timeout", "connect_timeout")
    assert soon(-0.5).at < deadline.at, "returned within half a second of it"


def test_a_server_that_drips_is_cut_on_a_connection_used_again(email: Channel, providers: SandboxClient) -> None:
    email.send(an_email(), soon())
    providers.add_rule(channel="email", drip=0.02, accept=True)
    deadline = soon(0.5)

    assert kind_and_code(email.send(an_email(), deadline)) == (Unknown, "timeout")
    assert soon(-0.5).at < deadline.at
    assert len({received.client_port for received in providers.messages()}) == 1


def test_no_email_is_sent_after_the_deadline(email: Channel, providers: SandboxClient) -> None:
    email.send(an_email(), soon())  # leaves a connection open
    assert isinstance(email.send(an_email(), soon(-1)), Transient)
    assert isinstance(email.send(an_email(), soon(-1)), Transient)

    assert len(providers.messages()) == 1


def test_one_smtp_connection_serves_one_message_after_the_other(email: Channel, providers: SandboxClient) -> None:
    for _ in range(3):
        deadline = soon(0.3)
        assert isinstance(email.send(an_email(), deadline), Accepted)
    wait_until(lambda: deadline.is_past)  # a deadline that was kept cuts nothing afterwards
    providers.add_rule(channel="email", smtp=550, at="rcpt", times=1)
    assert isinstance(email.send(an_email(), soon()), Permanent)
    assert isinstance(email.send(an_email(), soon()), Accepted)

    assert len({received.client_port for received in providers.messages()}) == 1


def test_an_smtp_connection_idle_for_too_long_is_replaced(
    email: Channel, providers: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    email.send(an_email(), soon())
    monkeypatch.setattr(smtp_connections, "MOST_IDLE_SECONDS", 0.0)
    assert isinstance(email.send(an_email(), soon()), Accepted)

    assert len({received.client_port for received in providers.messages()}) == 2


@pytest.mark.parametrize("sign", [{"reset": True}, {"smtp": 421}], ids=["cut", "421"])
def test_an_idle_connection_that_the_server_gave_up_is_replaced_at_once(
    email: Channel, providers: SandboxClient, sign: dict[str, Any]
) -> None:
    email.send(an_email(), soon())
    providers.add_rule(channel="email", at="mail", times=1, **sign)

    assert isinstance(email.send(an_email(), soon()), Accepted)
    assert [received.accepted for received in providers.messages()] == [True, False, True]


def test_an_smtp_connection_that_the_server_closed_meanwhile_is_replaced(channel: Channels) -> None:
    with scripted_server(smtp_script(), smtp_script()) as server:
        email = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        email.send(an_email(), soon())
        server.connections[0].shutdown(socket.SHUT_RDWR)
        assert isinstance(email.send(an_email(), soon()), Accepted)

        assert len(server.connections) == 2


def test_an_idle_connection_lost_after_the_sender_was_accepted_is_left_to_the_next_attempt(
    email: Channel, providers: SandboxClient
) -> None:
    email.send(an_email(), soon())
    providers.add_rule(channel="email", at="rcpt", reset=True, times=1)

    assert isinstance(email.send(an_email(), soon()), Transient)
    assert [received.accepted for received in providers.messages()] == [True, False]


def test_many_threads_share_one_email_channel(email: Channel, providers: SandboxClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda number: email.send(an_email(text=str(number)), soon(30)), range(200)))

    received = providers.messages()
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sorted(int(each.body) for each in received) == list(range(200))
    assert len({each.client_port for each in received}) <= 16


def test_closing_says_goodbye(channel: Channels) -> None:
    ended = threading.Event()
    with scripted_server(smtp_script(quit=lambda sock: ended.set())) as server:
        email = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        email.send(an_email(), soon())
        email.close()

        assert ended.wait(10)


def test_silence_of_the_server_before_the_words_is_worth_another_try(channel: Channels) -> None:
    with scripted_server(silence) as server:
        outcome = channel("email", EMAIL_URL=f"smtp://127.0.0.1:{server.port}").send(an_email(), soon(0.3))

    assert kind_and_code(outcome) == (Transient, "connect_timeout")
