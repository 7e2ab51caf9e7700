"""Django's SMTP backend on connections that keep to the deadline of each send and stay open for the next.

A server may close a connection that waits (RFC 5321, 4.5.3.2.7). Where that shows before it has accepted as much as the
sender of the next message, the message goes out on a new connection at once: nothing had been handed over.
"""

import contextlib
import email.message
import email.policy
import smtplib
import ssl
import time
from collections import deque
from collections.abc import Sequence
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from typing import Any

import django
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from notifications.channels import mime
from notifications.channels.mime import Sender
from notifications.channels.mime_parts import mime_part
from notifications.channels.smtp_dialogue import Dialogue, DialogueInTLS, UTF8NotOffered
from notifications.policy.attachment import File
from notifications.policy.email_addresses import Mailbox
from notifications.transport.deadline import current, watched
from notifications.transport.quiet import is_quiet

MOST_IDLE_SECONDS = 30.0  # a firewall may have forgotten an older connection, and swallow what is sent on it


class Unfolded(UnstructuredHeader, BaseHeader):
    """A header on one line, as it is. Python would put one of more than 78 characters and no space into encoded words,
    which RFC 2047 (5) forbids where an address or a link is meant: no mailbox finds the link in them.
    """

    def fold(self, *, policy: email.policy.Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
for _name in ("list-unsubscribe", "message-id"):
    HEADERS.map_to_type(_name, Unfolded)


class Email(EmailMultiAlternatives):
    """An email to one mailbox, with headers that arrive as they are written: links as links, addresses as addresses."""

    mailbox: Mailbox
    files: Sequence[File] = ()

    def attach_files(self) -> None:
        """Take `files` along where Django, or a provider's library, writes the email."""
        if not self.attachments:
            for file in self.files:
                self.attach(mime_part(file))

    def as_bytes(self) -> bytes:
        """The email as it is handed to a mail server. Raises ValueError for a header of more than one line."""
        (alternative,) = self.alternatives
        above = {"To": self.mailbox.address}
        if self.cc:
            above["Cc"] = ", ".join(self.cc)
        if self.reply_to:
            above["Reply-To"] = ", ".join(self.reply_to)
        return mime.as_bytes(
            {**above, **self.extra_headers},
            sender=Sender.of(self.from_email),
            subject=str(self.subject),
            text=str(self.body),
            html=str(alternative[0]),
            files=self.files,
        )

    def message(self, **options: Any) -> Any:
        self.attach_files()
        needs_utf8 = self.mailbox.needs_utf8
        if django.VERSION >= (6, 0):
            policy = options.get("policy", email.policy.default)
            options["policy"] = policy.clone(header_factory=HEADERS, utf8=policy.utf8 or needs_utf8)
            return super().message(**options)
        message = super().message(**options)
        if needs_utf8:  # Django 5.2 wrote an encoded word, which RFC 2047 (5) forbids in an address
            del message["To"]
            raw = self.mailbox.address.encode().decode("ascii", "surrogateescape")
            email.message.Message.__setitem__(message, "To", raw)
        return message


class _Connection(EmailBackend):
    """One connection to the server, used by one thread at a time."""

    used_at = 0.0
    _partial_connection: smtplib.SMTP | None = None  # Django's, while it opens one

    def __init__(self, *, context: ssl.SSLContext, **server: Any) -> None:
        super().__init__(alias="outbox", **server)
        self.ssl_context = context  # Django's would read the certificate authorities again for each connection

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return DialogueInTLS if self.use_ssl else Dialogue

    def _send(self, email_message: Email) -> bool:
        """Hand over one email. Raises smtplib.SMTPException, OSError, ValueError."""
        smtp: Any = self.connection
        smtp.mailbox, smtp.copies = email_message.mailbox, email_message.cc
        smtp.sendmail(Sender.of(email_message.from_email).address, [], email_message.as_bytes())
        return True

    @property
    def is_usable(self) -> bool:
        return self.connection is not None and self.connection.sock is not None

    @property
    def is_quiet(self) -> bool:
        """Whether the server has neither closed the open connection nor said anything on it, as before a goodbye."""
        sock = self.connection.sock if self.connection else None
        return sock is not None and is_quiet(sock)

    def watch(self) -> None:
        """Have an open connection keep to the deadline of the send that takes it up again."""
        if self.connection is not None and self.connection.sock is not None:
            current().watch(self.connection.sock)

    def abandon(self) -> None:
        """Close without a word: there may be nobody to hear it."""
        for connection in (self.connection, self._partial_connection):
            if connection is not None:
                connection.close()
        self.connection = self._partial_connection = None

    def quit(self) -> None:
        """Say goodbye, without waiting for the answer."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            if self.connection is not None:
                self.connection.putcmd("quit")
        self.abandon()


class Mailer:
    """Sends on as many connections as there are threads that send at once. Must be used within `Deadline.enforced`."""

    def __init__(self, *, ssl_certfile: str | None = None, ssl_keyfile: str | None = None, **server: Any) -> None:
        context = ssl.create_default_context()
        if ssl_certfile:
            context.load_cert_chain(ssl_certfile, ssl_keyfile)
        self._server = {**server, "context": watched(context)}
        self._idle: deque[_Connection] = deque()

    def send_messages(self, messages: Sequence[Email]) -> None:
        """Send `messages`. Raises smtplib.SMTPException or OSError; ValueError for what cannot be put into an email."""
        connection = self._take_idle()
        if connection is not None:
            smtp = connection.connection
            try:
                return self._send(connection, messages)
            except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
                if not _was_stale(smtp, error):
                    raise
        return self._send(_Connection(**self._server), messages)

    def probe(self) -> None:
        """Connect, log in and say goodbye. Raises smtplib.SMTPException or OSError."""
        connection = _Connection(**self._server)
        try:
            connection.open()
        finally:
            connection.quit()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().quit()

    def _take_idle(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()  # the one used last, so that the others grow old and go
            is_young = time.monotonic() - connection.used_at <= MOST_IDLE_SECONDS
            if is_young and connection.is_quiet:
                return connection
            connection.abandon()
        return None

    def _send(self, connection: _Connection, messages: Sequence[Email]) -> None:
        is_in_order = False
        try:
            if not connection.open():
                connection.watch()
            connection.send_messages(messages)
            is_in_order = True
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, UTF8NotOffered):
            is_in_order = True  # smtplib has reset the dialogue, or closed the connection
            raise
        finally:
            if is_in_order and connection.is_usable:
                connection.used_at = time.monotonic()
                self._idle.append(connection)
            else:
                connection.abandon()


def _was_stale(smtp: Any, error: smtplib.SMTPException) -> bool:
    """Whether the server had given up the idle connection `smtp`: no answer, or 421, before it accepted a sender."""
    if isinstance(error, smtplib.SMTPSenderRefused):
        return error.smtp_code == 421
    return not smtp.has_accepted_sender
