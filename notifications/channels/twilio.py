"""SMS and WhatsApp through Twilio's own client, over one pool of connections.

What a failure means follows the answer to one question: can Twilio have accepted the message? Until the request goes
out: no. Refused with 4xx: no. Otherwise nobody knows (G6): Twilio offers no idempotency key for messages.
"""

import logging
import re
import threading
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from django.core.exceptions import ImproperlyConfigured
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.channels.http import ProviderSession
from notifications.channels.masking import masked
from notifications.channels.twilio_errors import refusal
from notifications.harmless import without_whatsapp_markup
from notifications.lifecycle import Accepted, Outcome, Unknown

API_URL = "https://api.twilio.com"


class _PooledHttpClient(HttpClient):  # type: ignore[misc]
    """Carries the Twilio client's requests; with `api_url` set, to that server instead of Twilio's."""

    def __init__(self, api_url: str) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._api_url = api_url
        self._session = ProviderSession(api_url or API_URL)
        self._last = threading.local()

    @property
    def retry_after(self) -> str | None:
        """The header Retry-After of this thread's last answer; the client's exceptions do not carry it."""
        header: str | None = getattr(self._last, "retry_after", None)
        return header

    def request(  # noqa: PLR0917  (the signature is Twilio's)
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        **_: Any,
    ) -> Response:
        if self._api_url and url.startswith(f"{API_URL}/"):
            url = self._api_url + url.removeprefix(API_URL)
        answer = self._session.send(requests.Request(method, url, params=params, data=data, headers=headers, auth=auth))
        self._last.retry_after = answer.headers.get("Retry-After")
        return Response(answer.status_code, answer.content.decode(errors="replace"), dict(answer.headers))

    def close(self) -> None:
        self._session.close()


class _TwilioChannel(Channel):
    address_field = "phone"

    def __init__(
        self, name: str, *, account_sid: str, auth_token: str, sender: dict[str, str], api_url: str = ""
    ) -> None:
        super().__init__(name)
        self._sender = sender
        self._http = _PooledHttpClient(api_url)
        self._messages = Client(account_sid, auth_token, http_client=self._http).messages

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        with deadline.enforced() as transmission:
            try:
                message = self._messages.create(
                    to=self._to(outgoing.address), body=outgoing.parts["text"], **self._sender
                )
            except (TwilioRestException, TwilioServiceException) as error:
                return self._refusal(error, outgoing.address)
            except (requests.RequestException, OSError) as error:
                return transmission.failure(error)
            # A success that the client cannot read, whatever the trap in its JSON: accepted, most likely.
            except (TwilioException, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
                return Unknown("unreadable_answer", type(error).__name__)
        if not isinstance(message.sid, str):
            return Unknown("unreadable_answer", "no sid")
        return Accepted(message.sid)

    def close(self) -> None:
        self._http.close()

    def _to(self, phone: str) -> str:
        return phone

    def _refusal(self, error: TwilioRestException | TwilioServiceException, address: str) -> Outcome:
        words = error.msg if isinstance(error, TwilioRestException) else f"{error.title}: {error.detail or ''}"
        return refusal(
            status=error.status,
            code=error.code,
            detail=masked(str(words).removeprefix("Unable to create record: "), address),
            retry_after=self._http.retry_after,
        )


class SmsChannel(_TwilioChannel):
    """SMS from a Messaging Service, if there is one, else from a number."""

    templates = {"text": "sms.txt"}
    is_charged_by_segment = True

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        service = getattr(settings, "TWILIO_MESSAGING_SERVICE_SID", "")
        if service:
            return cls(name, **_account(name, settings), sender={"messaging_service_sid": service})
        number = _setting(name, settings, "TWILIO_SMS_FROM", instead="TWILIO_MESSAGING_SERVICE_SID")
        return cls(name, **_account(name, settings), sender={"from_": number})


class WhatsAppChannel(_TwilioChannel):
    """WhatsApp from the sender TWILIO_WHATSAPP_FROM, with or without the prefix `whatsapp:`."""

    templates = {"text": "whatsapp.txt"}

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        number = _setting(name, settings, "TWILIO_WHATSAPP_FROM").removeprefix("whatsapp:")
        return cls(name, **_account(name, settings), sender={"from_": f"whatsapp:{number}"})

    def harmless(self, text: str) -> str:
        return without_whatsapp_markup(text)

    def _to(self, phone: str) -> str:
        return f"whatsapp:{phone}"


def _account(name: str, settings: Any) -> dict[str, str]:
    account_sid = _setting(name, settings, "TWILIO_ACCOUNT_SID")
    if not re.fullmatch("AC[0-9a-fA-F]{32}", account_sid):
        raise ImproperlyConfigured(f"TWILIO_ACCOUNT_SID must be AC and 32 hexadecimal digits (channel {name!r}).")
    return {
        "account_sid": account_sid,
        "auth_token": _setting(name, settings, "TWILIO_AUTH_TOKEN"),
        "api_url": _server(getattr(settings, "TWILIO_API_URL", "")),
    }


def _setting(name: str, settings: Any, setting: str, *, instead: str = "") -> str:
    value: str = getattr(settings, setting, "")
    if not value:
        either = f" (or {instead})" if instead else ""
        raise ImproperlyConfigured(f"{setting}{either} is not set; the channel {name!r} needs it.")
    return value


def _server(url: str) -> str:
    """`url` without a slash at its end; it must name a server and nothing else."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise ImproperlyConfigured("TWILIO_API_URL must be http(s)://host or http(s)://host:port.")
    return url.rstrip("/")
