"""A real SMTP server, with and without STARTTLS and AUTH, that refuses some recipients: each answer classified."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from notifications.channels.base import Channel
from notifications.lifecycle import Accepted, Outcome, Permanent, Transient
from tests.channels.conftest import an_email, soon

Channels = Callable[..., Channel]

RECIPIENTS = {  # RFC 5321, 4.2.2 and 4.2.3; RFC 3463
    "known@example.com": ("250 2.1.5 OK", Accepted, ""),
    "nobody@example.com": ("550 5.1.1 No such user", Permanent, "smtp_550"),
    "moved@example.com": ("551 5.1.6 User not local", Permanent, "smtp_551"),
    "strange@example.com": ("553 5.1.3 Mailbox name not allowed", Permanent, "smtp_553"),
    "policy@example.com": ("554 5.7.1 Relay access denied", Permanent, "smtp_554"),
    "busy@example.com": ("450 4.2.0 Mailbox busy, or greylisted", Transient, "smtp_450"),
    "ill@example.com": ("451 4.3.0 Local error in processing", Transient, "smtp_451"),
    "full@example.com": ("452 4.2.2 Mailbox full", Transient, "smtp_452"),
}
ENDS = {  # after the final dot
    "250 2.0.0 Queued": (Accepted, ""),
    "451 4.7.1 Greylisted": (Transient, "smtp_451"),
    "452 4.3.1 Insufficient storage": (Transient, "smtp_452"),
    "552 5.3.4 Message too big": (Permanent, "smtp_552"),
    "554 5.7.1 Taken for spam": (Permanent, "smtp_554"),
}


class Postmaster:
    """Answers as RECIPIENTS and `end` say; keeps what it took, and who had logged in."""

    def __init__(self, *, end: str = "250 2.0.0 Queued") -> None:
        self.end = end
        self.taken: list[tuple[list[str], Any]] = []

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's names)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = RECIPIENTS[address][0]
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.end.startswith("250"):
            self.taken.append((envelope.rcpt_tos, session.auth_data))
        return self.end


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
    is_right = (data.login, data.password) == (b"bookings", b"secret")
    return AuthResult(success=is_right, handled=False, auth_data=data.login if is_right else None)


@contextmanager
def smtp_server(postmaster: Postmaster, **options: Any) -> Iterator[int]:
    """The server, on a port of its own."""
    loop = asyncio.new_event_loop()
    protocols: list[SMTP] = []

    def connection() -> SMTP:
        protocols.append(SMTP(postmaster, loop=loop, hostname="test", **options))
        return protocols[-1]

    server = loop.run_until_complete(loop.create_server(connection, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()  # now that nobody runs the loop: closing is not safe from another thread
        loop.run_until_complete(_hang_up(protocols))
        loop.close()


async def _hang_up(protocols: list[SMTP]) -> None:
    """Close what is open, and wait until it is."""
    for protocol in protocols:
        for transport in (protocol.transport, protocol._original_transport):
            if transport is not None:
                transport.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)  # transports say goodbye in the loop's next turns


def send(channel: Channels, url: str, *, to: str = "known@example.com") -> Outcome:
    email = channel("email", EMAIL_URL=url)
    outcome = email.send(an_email(to), soon())
    email.close()
    return outcome


def encrypted(context: ssl.SSLContext) -> dict[str, Any]:
    return {"tls_context": context, "require_starttls": True}


def guarded(context: ssl.SSLContext) -> dict[str, Any]:
    return encrypted(context) | {"authenticator": check_login, "auth_required": True}


@pytest.mark.parametrize("to", RECIPIENTS)
@pytest.mark.parametrize("kind", ["plain", "starttls and auth"])
@pytest.mark.usefixtures("trusted")
def test_each_recipient_is_classified(channel: Channels, context: ssl.SSLContext, kind: str, to: str) -> None:
    _, expected, code = RECIPIENTS[to]
    options = guarded(context) if kind != "plain" else {}
    scheme = "smtp+tls://bookings:secret@" if kind != "plain" else "smtp://"
    postmaster = Postmaster()
    with smtp_server(postmaster, **options) as port:
        outcome = send(channel, f"{scheme}127.0.0.1:{port}", to=to)
    assert (type(outcome), outcome.code) == (expected, code)
    assert len(postmaster.taken) == (expected is Accepted)


@pytest.mark.parametrize("end", ENDS)
def test_each_end_is_classified(channel: Channels, end: str) -> None:
    with smtp_server(Postmaster(end=end)) as port:
        outcome = send(channel, f"smtp://127.0.0.1:{port}")
    assert (type(outcome), outcome.code) == ENDS[end]


@pytest.mark.usefixtures("trusted")
def test_starttls_and_auth_together(channel: Channels, context: ssl.SSLContext) -> None:
    postmaster = Postmaster()
    with smtp_server(postmaster, **guarded(context)) as port:
        assert isinstance(send(channel, f"smtp+tls://bookings:secret@127.0.0.1:{port}"), Accepted)
    assert postmaster.taken == [(["known@example.com"], b"bookings")]


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_worth_another_try(channel: Channels, context: ssl.SSLContext) -> None:
    """It is mended without touching the message."""
    with smtp_server(Postmaster(), **guarded(context)) as port:
        outcome = send(channel, f"smtp+tls://bookings:guess@127.0.0.1:{port}")
    assert (type(outcome), outcome.code) == (Transient, "smtp_535")


@pytest.mark.usefixtures("trusted")
def test_a_server_that_wants_a_login_refuses_strangers(channel: Channels, context: ssl.SSLContext) -> None:
    with smtp_server(Postmaster(), **guarded(context)) as port:
        outcome = send(channel, f"smtp+tls://127.0.0.1:{port}")
    assert (type(outcome), outcome.code) == (Permanent, "smtp_530")


def test_a_server_that_wants_encryption_refuses_plain_text(channel: Channels, context: ssl.SSLContext) -> None:
    with smtp_server(Postmaster(), **encrypted(context)) as port:
        outcome = send(channel, f"smtp://127.0.0.1:{port}")
    assert (type(outcome), outcome.code) == (Permanent, "smtp_530")


def test_a_server_without_starttls_is_told_no_password(channel: Channels) -> None:
    postmaster = Postmaster()
    with smtp_server(postmaster) as port:
        outcome = send(channel, f"smtp+tls://bookings:secret@127.0.0.1:{port}")
    assert isinstance(outcome, Transient)
    assert postmaster.taken == []
