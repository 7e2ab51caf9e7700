"""Email through Resend's API: https://resend.com/docs/api-reference/emails/send-email.

Why Resend: after a lost answer, SMTP cannot be asked, and about one in fifty of those emails goes out twice. What helps
is an idempotency key, which few email APIs take: Postmark, SendGrid and Mailgun take none, and their searches find an
email only some time after it went out. Resend takes a key, keeps it for 24 hours, and answers a repetition as it
answered the first, without sending again (https://resend.com/docs/dashboard/emails/idempotency-keys).

So an attempt in doubt is settled by the same request with the same key (`find`): if Resend has the email it says so,
and if not, it has it now; the recipient gets one either way. The key is the message's, for one address of one site, and
the same over all attempts. If the words have changed since, Resend refuses the repetition: it has sent the email
before.
"""

import base64
import hashlib
from collections.abc import Collection
from typing import Any, Self

from notifications.channels.attempt_reference import message_marks, message_reference
from notifications.channels.base import DeliveryReport, Outgoing, Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.email import EmailChannel
from notifications.channels.email_sender_check import checked_sender
from notifications.channels.provider_api import ProviderApi, Reply, ask, in_path, not_told, server, setting, unreachable
from notifications.channels.refusals import Meaning, outcome_of
from notifications.channels.resend_codes import ERRORS, QUOTA_SECONDS, SENT_BEFORE, report_of
from notifications.channels.smtp_connections import Email
from notifications.content.public_links import public_url
from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.masking import masked

API_URL = "https://api.resend.com"
KEY_SECONDS = 23.5 * 3600.0  # Resend keeps a key for 24 hours


class ResendChannel(EmailChannel):
    """Email from DEFAULT_FROM_EMAIL, by the account of RESEND_API_KEY."""

    can_look_up = True
    keeps_deadline = True

    def __init__(self, name: str, *, api: ProviderApi, sender: str) -> None:
        super().__init__(name, mailer=api, sender=sender)
        self._api = api

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        api = ProviderApi(
            server(settings, "RESEND_API_URL") or API_URL,
            headers={
                "Authorization": f"Bearer {setting(name, settings, 'RESEND_API_KEY')}",
                "User-Agent": "notifications-outbox",  # without one, Resend refuses: …/api-reference/introduction
            },
        )
        return cls(name, api=api, sender=checked_sender(settings.DEFAULT_FROM_EMAIL))

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        email = self._addressed(outgoing)
        if isinstance(email, Permanent):
            return email
        with deadline.enforced() as transmission:
            try:
                reply = self._post(email, outgoing)
            except OSError as error:
                return transmission.failure(error)
        return _outcome(reply, outgoing)

    def find(
        self,
        outgoing: Outgoing,
        *,
        began_ago: float,
        unknown_for: float,
        known: Collection[str],
        deadline: Deadline,
    ) -> Accepted | Transient | Throttled | None:
        """Make the same request with the same key, as long as Resend keeps it: then the recipient has one email.

        None: it is too late for that, or Resend refuses the request, and so had refused it before.
        """
        email = self._addressed(outgoing)
        if began_ago > KEY_SECONDS or isinstance(email, Permanent):
            return None
        answer = ask(lambda: self._post(email, outgoing), deadline)
        if isinstance(answer, Transient):
            return answer
        outcome = _outcome(answer, outgoing)
        if isinstance(outcome, Permanent):
            return None
        if isinstance(outcome, Unknown):
            return Transient(f"asking_{outcome.code}", outcome.detail)
        return outcome

    def look_up(self, provider_id: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        def look() -> DeliveryReport | Transient | Throttled | None:
            reply = self._api.get(f"/emails/{in_path(provider_id)}")
            return report_of(reply.text("last_event")) if reply.is_success else not_told(reply)

        return ask(look, deadline)

    def probe(self, deadline: Deadline) -> Probe:
        """List the domains, which a key that may only send is not allowed to: that answer is well, too."""
        reply = ask(lambda: self._api.get("/domains"), deadline)
        if isinstance(reply, Transient):
            return unreachable("Resend", reply)
        if reply.is_success or reply.text("name") == "restricted_api_key":
            return Probe(State.OK, "Resend knows the key.")
        return Probe(State.WRONG, f"Resend refuses the key (HTTP {reply.status}). Check RESEND_API_KEY.")

    def _addressed(self, outgoing: Outgoing) -> Email | Permanent:
        """The email. An address that needs SMTPUTF8 is refused: Resend does not say that it writes to such."""
        email = super()._addressed(outgoing)
        if isinstance(email, Email) and email.mailbox.needs_utf8:
            return Permanent("smtputf8_not_offered", "Resend does not say that it offers SMTPUTF8.")
        if isinstance(email, Email) and any(end in email.subject for end in "\r\n"):
            return Permanent("bad_header", "The subject has more than one line.")
        return email

    def _post(self, email: Email, outgoing: Outgoing) -> Reply:
        """Raises OSError."""
        key = {"Idempotency-Key": self._key(email, outgoing)}
        return self._api.post_json("/emails", _document(email, outgoing), headers=key)

    def _key(self, email: Email, outgoing: Outgoing) -> str:
        """The same over all attempts at one address; another site's messages, which share the account, have others."""
        whose = "\n".join((public_url(), self._sender, *email.to))
        return f"outbox-{outgoing.message_id}-{hashlib.sha256(whose.encode()).hexdigest()[:32]}"


def _document(email: Email, outgoing: Outgoing) -> dict[str, Any]:
    """The request's body; the same for each attempt, as the key asks for."""
    headers = {name: value for name, value in email.extra_headers.items() if name != "Message-ID"}  # Resend makes it
    document: dict[str, Any] = {
        "from": email.from_email,
        "to": list(email.to),
        "subject": email.subject,
        "text": email.body,
        "html": outgoing.parts["html"],
        "headers": headers,
        "tags": [{"name": name, "value": value} for name, value in message_marks(outgoing.message_id).items()],
    }
    if email.cc:
        document["cc"] = list(email.cc)
    if email.reply_to:
        document["reply_to"] = list(email.reply_to)
    if outgoing.files:
        document["attachments"] = [
            {
                "filename": file.name,
                "content": base64.b64encode(file.content).decode(),
                "content_type": file.content_type,
                **({"content_id": file.cid} if file.cid else {}),
            }
            for file in outgoing.files
        ]
    return document


def _outcome(reply: Reply, outgoing: Outgoing) -> Outcome:
    if reply.is_success:
        name = reply.text("id")
        return Accepted(name) if name else Unknown("unreadable_answer", "no id")
    name = reply.text("name")
    if name == SENT_BEFORE:
        return Accepted(message_reference(outgoing.message_id))
    wait = max(reply.wait, QUOTA_SECONDS) if name.endswith("_quota_exceeded") else reply.wait
    return outcome_of(
        status=reply.status,
        # 401, 403: the key, or a domain that is not verified yet; mended without touching the message.
        meaning=Meaning.TRANSIENT if reply.status in (401, 403) else ERRORS.get(name),
        code=f"resend_{name}" if name in ERRORS else f"http_{reply.status}",
        detail=masked(reply.text("message"), outgoing.address),
        wait=wait,
    )
