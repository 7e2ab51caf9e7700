"""Email through an email service provider's API, by django-anymail: EMAIL_ESP names the provider, ANYMAIL its settings.

Each message carries its id and the attempt's number as metadata, which the provider's webhooks bring back
(webhooks/esp). What a failure means follows the HTTP status, as with every other provider.
"""

from typing import Any, Self

import requests
from anymail.backends.base_requests import AnymailRequestsBackend
from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from notifications.channels.attempt_reference import message_marks
from notifications.channels.base import Outgoing
from notifications.channels.deadline import Deadline, Transmission
from notifications.channels.email import EmailChannel
from notifications.channels.email_sender_check import checked_sender
from notifications.channels.http import ProviderSession, answered_at
from notifications.channels.smtp_connections import Email
from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.masking import masked
from notifications.policy.retry_after import throttled_seconds


class _Backends:
    """Anymail's backend, one for each send, over one pool of connections that keep to its deadline."""

    def __init__(self, backend: type[AnymailRequestsBackend]) -> None:
        self._backend = backend
        self._session = ProviderSession("https://")

    def send_messages(self, messages: list[EmailMultiAlternatives]) -> None:
        backend = self._backend()
        backend.session = self._session.pooled
        backend.send_messages(messages)

    def close(self) -> None:
        self._session.close()


class EspChannel(EmailChannel):
    """Email from DEFAULT_FROM_EMAIL, by the provider EMAIL_ESP."""

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        esp = getattr(settings, "EMAIL_ESP", "")
        try:
            backend = import_string(f"anymail.backends.{esp}.EmailBackend")
            backend()
        except ImportError as error:
            raise ImproperlyConfigured(f"EMAIL_ESP={esp!r} is no provider of django-anymail's.") from error
        if not issubclass(backend, AnymailRequestsBackend):
            raise ImproperlyConfigured(f"EMAIL_ESP={esp!r} cannot be held to a deadline; use its SMTP server.")
        if not getattr(settings, "ANYMAIL", {}).get("WEBHOOK_SECRET"):
            raise ImproperlyConfigured("ANYMAIL needs a WEBHOOK_SECRET: without it anybody could write receipts.")
        return cls(name, mailer=_Backends(backend), sender=checked_sender(settings.DEFAULT_FROM_EMAIL))

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        message = self._addressed(outgoing)
        if isinstance(message, Permanent):
            return message
        message.metadata = {**message_marks(outgoing.message_id), "claim": str(outgoing.claim_number)}  # type: ignore[attr-defined]
        with deadline.enforced() as transmission:
            try:
                self._mailer.send_messages([message])
            except AnymailRecipientsRefused as error:
                return Permanent("refused", masked(str(error), outgoing.address))
            except AnymailError as error:
                return _refusal(error, outgoing.address, transmission)
            except (requests.RequestException, OSError) as error:
                return transmission.failure(error)
            except ValueError:
                return Permanent("bad_address", "The address or the subject cannot be used in an email.")
        return _answer(message)

    def _addressed(self, outgoing: Outgoing) -> Email | Permanent:
        """The email. An address that needs SMTPUTF8 is refused: no provider says to which mailbox it would send it."""
        message = super()._addressed(outgoing)
        if isinstance(message, Email) and message.mailbox.needs_utf8:
            return Permanent("smtputf8_not_offered", "The provider's API does not say that it offers SMTPUTF8.")
        return message


def _answer(message: Email) -> Outcome:
    """What the provider made of the email that it took."""
    answer = message.anymail_status  # type: ignore[attr-defined]
    if not answer.status & {"sent", "queued"}:
        return Unknown("unreadable_answer", ", ".join(sorted(map(str, answer.status))))
    return Accepted(str(answer.message_id or message.extra_headers["Message-ID"]))


def _refusal(error: AnymailError, address: str, transmission: Transmission) -> Outcome:
    """What anymail's error means; without a status it stands for a failed connection, or for what cannot be sent."""
    response = getattr(error, "response", None)
    if response is None:
        if isinstance(error.__cause__, OSError):
            return transmission.failure(error.__cause__)
        return Permanent("unsendable", type(error).__name__)
    status, detail = response.status_code, masked(str(error), address)
    if status == 429:
        now = answered_at(response.headers.get("Date")).timestamp()
        wait = throttled_seconds(response.headers.get("Retry-After"), now=now)
        return Throttled("http_429", wait, detail)
    if not 400 <= status < 500:
        return Unknown(f"http_{status}", detail)
    return (Transient if status in (401, 403, 408, 425) else Permanent)(f"http_{status}", detail)
