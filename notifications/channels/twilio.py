"""SMS and WhatsApp through Twilio's own client, over one pool of connections.

What a failure means depends on one question: can Twilio have accepted the message? Before the request goes out: no.
After a refusal (4xx): no. Otherwise the outcome is unknown (G6), because Twilio has no idempotency keys for messages.

Two things can still prove an acceptance whose answer was lost. The channel can search Twilio's list of messages
(twilio_message_log). And Twilio reports each message's status at the callback URL that the request named; that URL
holds our message's id and claim number.
"""

import re
import time
from collections.abc import Collection, Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import requests
from django.core.exceptions import ImproperlyConfigured
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from notifications.channels.base import Channel, DeliveryReport, Outgoing, Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.twilio_client import UNREADABLE, PooledHttpClient
from notifications.channels.twilio_content import Content
from notifications.channels.twilio_errors import refusal
from notifications.channels.twilio_message_log import MessageLog
from notifications.content.media_links import Wanted, media_link
from notifications.content.public_links import public_link
from notifications.content.sanitize import without_whatsapp_markup
from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.masking import masked

SHORTEST_VALIDITY, LONGEST_VALIDITY = 1, 36_000  # seconds that Twilio allows: …/api/message-resource, ValidityPeriod
WINDOW_SECONDS = 24 * 3600.0  # https://www.twilio.com/docs/whatsapp/key-concepts#the-24-hour-window


class _TwilioChannel(Channel):
    address_field = "phone"
    can_look_up = True
    tells_price = True

    def __init__(
        self,
        name: str,
        *,
        account_sid: str,
        auth_token: str,
        sender: Mapping[str, str],
        api_url: str = "",
        callback_url: str = "",
    ) -> None:
        super().__init__(name)
        self._sender = sender
        self._callback_url = callback_url
        self._http = PooledHttpClient(api_url)
        client = Client(account_sid, auth_token, http_client=self._http)
        self._messages, self._account = client.messages, client.api.v2010.accounts(account_sid)
        self._message_log = MessageLog(self._messages, self._http, sender=sender)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        words = self._words(outgoing)
        if isinstance(words, Permanent):
            return words
        with deadline.enforced() as transmission:
            try:
                message = self._messages.create(
                    to=self._to(outgoing.address),
                    **words,
                    **self._media(outgoing),
                    **self._sender,
                    **self._options(outgoing),
                )
            except (TwilioRestException, TwilioServiceException) as error:
                return self._refusal(error, outgoing.address)
            except (requests.RequestException, OSError) as error:
                return transmission.failure(error)
            # A success that the client cannot read, for any reason: Twilio has most likely accepted the message.
            except (TwilioException, *UNREADABLE) as error:
                return Unknown("unreadable_answer", type(error).__name__)
        if not isinstance(message.sid, str):
            return Unknown("unreadable_answer", "no sid")
        return Accepted(message.sid)

    def find(
        self,
        outgoing: Outgoing,
        *,
        began_ago: float,
        unknown_for: float,
        known: Collection[str],
        deadline: Deadline,
    ) -> Accepted | Transient | Throttled | None:
        words = self._words(outgoing)
        if isinstance(words, Permanent):
            return None
        to, pieces = self._to(outgoing.address), self._pieces(words, outgoing)
        return self._message_log.find(
            to=to, pieces=pieces, began_ago=began_ago, unknown_for=unknown_for, known=known, deadline=deadline
        )

    def look_up(self, provider_id: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        return self._message_log.look_up(provider_id, deadline)

    def probe(self, deadline: Deadline) -> Probe:
        """Fetch the account, which costs nothing."""
        with deadline.enforced() as transmission:
            try:
                status = self._account.fetch().status
            except (TwilioRestException, TwilioServiceException) as error:
                wrong = f"Twilio refuses the account (error {error.code}, HTTP {error.status})."
                return Probe(State.WRONG, f"{wrong} Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
            except (requests.RequestException, OSError) as error:
                return Probe(State.WRONG, f"Twilio cannot be reached: {transmission.failure(error).code}.")
            except (TwilioException, *UNREADABLE) as error:
                return Probe(State.WRONG, f"That is not Twilio ({type(error).__name__}). Check TWILIO_API_URL.")
        return Probe(State.OK if status == "active" else State.WRONG, f"The Twilio account is {status}.")

    def close(self) -> None:
        self._http.close()

    def _to(self, phone: str) -> str:
        return phone

    def _words(self, outgoing: Outgoing) -> dict[str, str] | Permanent:
        """The text, as parameters of the request; or why it may not be sent."""
        return {"body": outgoing.parts["text"]}

    def _media(self, outgoing: Outgoing) -> dict[str, list[str]]:
        """Where Twilio fetches the message's file, as parameters of the request; SMS have none."""
        return {}

    def _pieces(self, words: Mapping[str, str], outgoing: Outgoing) -> list[str]:
        """What the message's body in Twilio's list must contain."""
        return [words["body"]]

    def _options(self, outgoing: Outgoing) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self._callback_url:
            attempt = urlencode({"message": outgoing.message_id, "claim": outgoing.claim_number})
            options["status_callback"] = f"{self._callback_url}?{attempt}"
        if outgoing.expires_in is not None:
            options["validity_period"] = min(max(int(outgoing.expires_in), SHORTEST_VALIDITY), LONGEST_VALIDITY)
        return options

    def _refusal(self, error: TwilioRestException | TwilioServiceException, address: str) -> Outcome:
        words = error.msg if isinstance(error, TwilioRestException) else f"{error.title}: {error.detail or ''}"
        return refusal(
            status=error.status,
            code=error.code,
            detail=masked(str(words).removeprefix("Unable to create record: "), address),
            retry_after=self._http.retry_after,
            now=self._http.answered_at.timestamp(),
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
    """WhatsApp from the sender TWILIO_WHATSAPP_FROM, with or without the prefix `whatsapp:`.

    Kinds in TWILIO_WHATSAPP_TEMPLATES are sent as the approved content templates that it names, with the variables in
    `whatsapp.lines.txt`. Other kinds are sent as free text, `whatsapp.txt`, and only to people who wrote to us in the
    last 24 hours: WhatsApp refuses free text to others. Without that setting, everything is sent as free text, and
    WhatsApp decides.
    """

    templates = {"text": "whatsapp.txt"}
    most_files = 1  # https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages

    def __init__(self, name: str, *, content: Content, **account: Any) -> None:
        super().__init__(name, **account)
        self._content = content

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        number = _setting(name, settings, "TWILIO_WHATSAPP_FROM").removeprefix("whatsapp:")
        return cls(
            name,
            **_account(name, settings),
            sender={"from_": f"whatsapp:{number}"},
            content=Content.from_settings(settings),
        )

    def templates_for(self, kind: str) -> Mapping[str, str]:
        return {"variables": "whatsapp.lines.txt"} if kind in self._content else self.templates

    def needs_inbound_age(self, kind: str) -> bool:
        return self._content.is_used and kind not in self._content

    def sanitize(self, text: str) -> str:
        return without_whatsapp_markup(text)

    def _to(self, phone: str) -> str:
        return f"whatsapp:{phone}"

    def _words(self, outgoing: Outgoing) -> dict[str, str] | Permanent:
        if outgoing.kind in self._content:
            return self._content.words(outgoing, file_path=urlsplit(self._link_to_file(outgoing)).path.lstrip("/"))
        is_answer = outgoing.inbound_age is not None and outgoing.inbound_age < WINDOW_SECONDS
        if self._content.is_used and not is_answer:
            return Permanent("no_template", "No approved template, and nothing heard from them for 24 hours.")
        return super()._words(outgoing)

    def _media(self, outgoing: Outgoing) -> dict[str, list[str]]:
        """Where Twilio fetches the file, with free text; an approved template has it among its variables."""
        link = "" if outgoing.kind in self._content else self._link_to_file(outgoing)
        return {"media_url": [link]} if link else {}

    def _link_to_file(self, outgoing: Outgoing) -> str:
        """Empty without a file, or where Twilio could not reach us."""
        is_there = outgoing.files and self._callback_url
        return media_link(Wanted(outgoing.message_id, 0), now=time.time()) if is_there else ""

    def _pieces(self, words: Mapping[str, str], outgoing: Outgoing) -> list[str]:
        return super()._pieces(words, outgoing) if "body" in words else self._content.pieces(outgoing)


def _account(name: str, settings: Any) -> dict[str, str]:
    account_sid = _setting(name, settings, "TWILIO_ACCOUNT_SID")
    if not re.fullmatch("AC[0-9a-fA-F]{32}", account_sid):
        raise ImproperlyConfigured(f"TWILIO_ACCOUNT_SID must be AC and 32 hexadecimal digits (channel {name!r}).")
    api_url = _server(getattr(settings, "TWILIO_API_URL", ""))
    return {
        "account_sid": account_sid,
        "auth_token": _setting(name, settings, "TWILIO_AUTH_TOKEN"),
        "api_url": api_url,
        "callback_url": _callback_url(is_twilio=not api_url),
    }


def _callback_url(*, is_twilio: bool) -> str:
    """The URL at which Twilio reports statuses; empty if Twilio could not reach it (its error 21609)."""
    url = public_link("notifications:twilio-status")
    return "" if is_twilio and urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1") else url


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
