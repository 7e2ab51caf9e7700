"""Email through Django's SMTP backend: text with an HTML alternative, on connections that are kept for the next one.

What a failure means follows RFC 5321: an answer 5xx to this message is final, everything else before the final dot is
worth another try, and a connection lost after it leaves the outcome unknown (RFC 1047). Every attempt at a message
carries the same Message-ID, by which mailboxes recognise the second copy.
"""

import re
import smtplib
from email.utils import parseaddr
from typing import Any, Self

from django.core.mail.backends import locmem
from django.utils.encoding import punycode

from notifications.channels.attempt_reference import message_reference
from notifications.channels.base import Channel, Outgoing, Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.email_sender_check import checked_sender
from notifications.channels.mailers import mailer
from notifications.channels.smtp_connections import Email, Mailer
from notifications.channels.smtp_dialogue import UTF8NotOffered
from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Transient, Unknown
from notifications.policy.email_addresses import Mailbox, Unusable, mailbox
from notifications.policy.masking import masked
from notifications.policy.stated_delay import stated_delay


class EmailChannel(Channel):
    """Email from DEFAULT_FROM_EMAIL, by the server that EMAIL_URL names, or by what Django's own settings name."""

    address_field = "email"
    most_files = 50
    has_letterhead = True
    templates = {"subject": "subject.txt", "text": "email.txt", "html": "email.html"}

    def __init__(self, name: str, *, mailer: Any, sender: str) -> None:
        super().__init__(name)
        self._mailer = mailer
        self._sender = sender
        self.keeps_deadline = getattr(mailer, "keeps_deadline", True)
        self._domain = punycode(parseaddr(sender)[1].rpartition("@")[2]) or "localhost"

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        return cls(name, mailer=mailer(name, settings), sender=checked_sender(settings.DEFAULT_FROM_EMAIL))

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        message = self._addressed(outgoing)
        if isinstance(message, Permanent):
            return message
        with deadline.enforced() as transmission:
            try:
                self._mailer.send_messages([message])
            except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
                return _refusal(error, outgoing.address, has_begun=transmission.has_begun)
            except UTF8NotOffered as error:
                return Permanent("smtputf8_not_offered", str(error))
            except (smtplib.SMTPException, OSError) as error:  # before ValueError: a wrong certificate is both
                return transmission.failure(error)
            except ValueError as error:
                return _unsendable(error, outgoing)
        return Accepted(message.extra_headers["Message-ID"])

    def rehearse(self, outgoing: Outgoing) -> Outcome:
        """Put the email into `django.core.mail.outbox`, as Django's own does in tests."""
        message = self._addressed(outgoing)
        if isinstance(message, Permanent):
            return message
        try:
            locmem.EmailBackend(alias="outbox").send_messages([message])
        except ValueError as error:
            return _unsendable(error, outgoing)
        return Accepted(message.extra_headers["Message-ID"])

    def probe(self, deadline: Deadline) -> Probe:
        """Connect to the mail server and log in, where the emails go by our own connections."""
        if not isinstance(self._mailer, Mailer):
            return Probe(State.NOT_TRIED, f"{type(self._mailer).__qualname__} cannot be tried without sending.")
        with deadline.enforced() as transmission:
            try:
                self._mailer.probe()
            except smtplib.SMTPResponseException as error:
                return Probe(State.WRONG, f"The mail server answers {error.smtp_code}. Check its user and password.")
            except (smtplib.SMTPException, OSError) as error:
                return Probe(State.WRONG, f"The mail server cannot be used: {transmission.failure(error).code}.")
        return Probe(State.OK, "The mail server lets us in.")

    def close(self) -> None:
        self._mailer.close()

    def _addressed(self, outgoing: Outgoing) -> Email | Permanent:
        """The email, or why there can be none to this address."""
        try:
            return self._message(outgoing, mailbox(outgoing.address))
        except Unusable as error:
            return Permanent("bad_address", str(error))

    def _message(self, outgoing: Outgoing, to: Mailbox) -> Email:
        above = outgoing.letterhead
        # RFC 8058: mailbox providers offer to unsubscribe with one click, by a POST. DKIM must sign both headers.
        one_click = {
            "List-Unsubscribe": f"<{outgoing.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        message = Email(
            subject=outgoing.parts["subject"],
            body=outgoing.parts["text"],
            from_email=above.sender or self._sender,
            to=[to.address],
            cc=above.cc,
            reply_to=[above.reply_to] if above.reply_to else None,
            headers={
                **above.headers,
                "Message-ID": f"<{message_reference(outgoing.message_id)}@{self._domain}>",
                "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies, please
                **(one_click if outgoing.unsubscribe_url else {}),
            },
        )
        message.mailbox = to
        message.attach_alternative(outgoing.parts["html"], "text/html")
        message.files = outgoing.files
        if not isinstance(self._mailer, Mailer):
            message.attach_files()
        return message


def _refusal(
    error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused, address: str, *, has_begun: bool
) -> Outcome:
    """What the server's answer means; `has_begun` says that it came after the words had been handed over."""
    code, words = _answer(error)
    detail = masked(words, address)
    if not 400 <= code <= 599:
        return Unknown("unreadable_answer", detail) if has_begun else Transient("unreadable_answer", detail)
    # A greeting, EHLO or AUTH that is refused says nothing about this message. A wrong password (535) is mended without
    # touching it, so it is worth another try; not without end, or it would hold back the recipient's SMS.
    is_about_connection = isinstance(
        error, smtplib.SMTPConnectError | smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError
    )
    if code >= 500 and not is_about_connection:
        return Permanent(f"smtp_{code}", detail)
    if code >= 500:
        return Transient(f"smtp_{code}", detail)
    # 421 closes the connection for everybody; other answers 4xx are about this message or its recipient.
    deferral = Deferral(stated_delay(words), is_about_message=code != 421 and not is_about_connection)
    return Transient(f"smtp_{code}", detail, deferral)


def _answer(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> tuple[int, str]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _readable(*next(iter(error.recipients.values())))
    return _readable(error.smtp_code, error.smtp_error)


def _readable(code: int, words: bytes | str) -> tuple[int, str]:
    return code, words.decode(errors="replace") if isinstance(words, bytes) else words


def _unsendable(error: ValueError, outgoing: Outgoing) -> Permanent:
    """Django or smtplib refuses to put this message on the wire: a line break in a header, an impossible address."""
    if re.search(r"[\r\n]", outgoing.parts["subject"]):
        return Permanent("bad_header", "The subject has more than one line.")
    return Permanent("bad_address", f"The address cannot be used in an email ({type(error).__name__}).")
