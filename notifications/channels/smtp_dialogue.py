"""What is said to a mail server for one email. Where the server offers PIPELINING (RFC 2920), sender, recipient and
DATA are sent in one go: two round trips for an email instead of four.
"""

import smtplib
import socket
from collections.abc import Sequence
from typing import Any

from notifications.policy.email_addresses import Mailbox
from notifications.transport.deadline import connect, current

END = b".\r\n"


class UTF8NotOffered(smtplib.SMTPNotSupportedError):
    """The address needs SMTPUTF8 (RFC 6531), which the server does not offer. Nothing was sent."""


class Dialogue(smtplib.SMTP):
    """One connection, whose socket keeps to the deadline of the send that uses it."""

    has_accepted_sender = False  # of the message under way
    mailbox: Mailbox  # to which the message under way goes
    copies: Sequence[str] = ()  # who else gets it

    def sendmail(self, from_addr: str, _to: Any, msg: Any, *_: Any) -> Any:
        """Send to `mailbox`: Django has put the address into another form where it is not ASCII.

        Raises smtplib.SMTPException, OSError, ValueError.
        """
        self.ehlo_or_helo_if_needed()
        options: list[str] = []
        if self.mailbox.needs_utf8:
            if not self.has_extn("smtputf8"):
                raise UTF8NotOffered("The mail server does not offer SMTPUTF8, which this address needs.")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        if self.copies or not self.has_extn("pipelining"):  # of copies some may be refused
            return super().sendmail(from_addr, [self.mailbox.address, *self.copies], msg, options)
        if self.has_extn("size"):
            options.append(f"SIZE={len(msg)}")
        self._open_at_once(from_addr, options)
        self._hand_over(msg)
        return {}

    def _open_at_once(self, sender: str, options: Sequence[str]) -> None:
        """Say who writes to whom, and that the words come. Each answer is looked at, as RFC 2920 wants it."""
        self.has_accepted_sender = False
        self.send(self._envelope(sender, options))
        code, words = self.getreply()
        if code != 250:
            self._give_up(code, unread=2)
            raise smtplib.SMTPSenderRefused(code, words, sender)
        self.has_accepted_sender = True
        code, words = self.getreply()
        if code not in {250, 251}:
            self._give_up(code, unread=1)
            raise smtplib.SMTPRecipientsRefused({self.mailbox.address: (code, words)})
        code, words = self.getreply()
        if code != 354:
            self._give_up(code)
            raise smtplib.SMTPDataError(code, words)

    def _envelope(self, sender: str, options: Sequence[str]) -> bytes:
        lines = f"MAIL FROM:<{sender}>", *options
        commands = " ".join(lines), f"RCPT TO:<{self.mailbox.address}>", "DATA"
        if any(end in command for command in commands for end in "\r\n"):
            raise ValueError("An address has more than one line.")
        encoding = "utf-8" if self.mailbox.needs_utf8 else "ascii"
        return "".join(f"{command}\r\n" for command in commands).encode(encoding)

    def _hand_over(self, msg: bytes) -> None:
        quoted = msg.replace(b"\n.", b"\n..")  # RFC 5321, 4.5.2; the first line is a header
        self.send((quoted if quoted.endswith(b"\r\n") else quoted + b"\r\n") + END)
        code, words = self.getreply()
        if code != 250:
            self._give_up(code)
            raise smtplib.SMTPDataError(code, words)

    def _give_up(self, code: int, *, unread: int = 0) -> None:
        """End a message that was refused with `code`, and leave the connection ready for the next one, or closed."""
        try:
            codes = [self.getreply()[0] for _ in range(unread if code != 421 else 0)]
        except smtplib.SMTPException:
            codes = [421]
        # A server that waits for words all the same (354) would take a dot for an empty email; -1 is no answer at all.
        if not {421, 354, -1}.isdisjoint({code, *codes}):
            self.close()
        else:
            self._rset()  # type: ignore[attr-defined]  # smtplib's own: it raises nothing if the connection is lost

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> Any:
        """Name the mailbox as it is written; smtplib would take quotation marks off.

        If the server refuses the recipient's, nobody gets a copy; if it refuses a copy, the others get theirs.
        """
        self.putcmd("rcpt", f"TO:<{recip}>")
        code, words = self.getreply()
        is_refused = code not in {250, 251, 421}
        if is_refused and self.copies and recip == self.mailbox.address:
            self.rset()
            raise smtplib.SMTPRecipientsRefused({recip: (code, words)})
        return (250, words) if is_refused and recip in self.copies else (code, words)

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return connect(host, port)

    def mail(self, sender: str, options: Sequence[str] = ()) -> Any:
        self.has_accepted_sender = False
        code, words = super().mail(sender, options)
        self.has_accepted_sender = 200 <= code <= 299
        return code, words

    def send(self, s: Any) -> None:
        if isinstance(s, bytes) and s.endswith(b"\r\n" + END):
            current().begin()  # the words, with their final dot: they are written in one go
        super().send(s)


class DialogueInTLS(smtplib.SMTP_SSL, Dialogue):
    """The same, encrypted from the start."""
