"""The sandbox's SMTP server. It accepts every email, unless a rule says otherwise."""

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP

from notifications.sandbox.connections import client_port, cut, drip
from notifications.sandbox.emails import text_of
from notifications.sandbox.journal import Attempt, Journal
from notifications.sandbox.rules import Answer, Rules


class Mailbox:
    """Answers the stages of each dialogue: its methods are aiosmtpd's hooks, named as it wants them."""

    def __init__(self, *, journal: Journal, rules: Rules) -> None:
        self._journal = journal
        self._rules = rules

    def connection(self) -> Any:
        """The server's side of one new connection."""
        return SMTP(
            self,
            hostname="sandbox.invalid",
            ident="sandbox",
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's names and signatures)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self._rules.answer(is_smtp=True, channel="email", stage="mail")
        if answer.refuses:
            with self._record(server, answer, to="", sender=address).lasting():
                return await _reply(server, answer)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await _reply(server, answer)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self._rules.answer(is_smtp=True, channel="email", to=address, stage="rcpt")
        if answer.refuses:
            with self._record(server, answer, to=address, sender=envelope.mail_from).lasting():
                return await _reply(server, answer)
        envelope.rcpt_tos.append(address)
        return await _reply(server, answer)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        content = bytes(envelope.original_content)
        to = ", ".join(envelope.rcpt_tos)
        answer = self._rules.answer(is_smtp=True, channel="email", to=to, text=lambda: text_of(content))
        with self._record(server, answer, to=to, sender=envelope.mail_from, content=content).lasting():
            return await _reply(server, answer)

    def _record(self, server: Any, answer: Answer, *, to: str, sender: str, content: bytes = b"") -> Attempt:
        return self._journal.record(
            channel="email",
            to=to,
            sender=sender,
            accepted=answer.accepts and bool(content),
            answered=None if answer.reset else answer.smtp or 250,
            client_port=client_port(server.transport),
            content=content,
        )


async def _reply(server: Any, answer: Answer) -> str:
    """What the server says; with a reset, it says nothing any more."""
    await asyncio.sleep(answer.delay)
    transport = server.transport
    if answer.reset:
        cut(transport)
        await asyncio.Future()  # until aiosmtpd notices, and cancels the dialogue
    if answer.drip:
        await drip(transport, b"250-" + b"." * 500 + b"\r\n", seconds=answer.drip)
    reply = f"{answer.smtp or 250} {answer.message or ('OK' if answer.smtp < 300 else 'Refused')}"
    if answer.smtp == 421:  # RFC 5321, 3.8: says so, and closes the connection
        await server.push(reply)
        transport.close()
        await asyncio.Future()
    return reply
