"""WhatsApp through Meta's Cloud API: https://developers.facebook.com/documentation/business-messaging/whatsapp.

Meta has no idempotency keys. Its message history is listed by its own IDs alone, and shows neither recipients nor our
references: so it tells what became of a message (`look_up`), and not whether there is one (`find` asks nothing). But
each message carries our reference for the attempt (`biz_opaque_callback_data`), which its statuses bring back: so a
status proves an acceptance whose answer was lost, and the message is then adopted (G6). Otherwise it is sent again, and
marked.
"""

import re
from collections.abc import Mapping
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.attempt_reference import Attempt
from notifications.channels.base import Channel, DeliveryReport, Outgoing, Probe, State
from notifications.channels.deadline import Deadline
from notifications.channels.meta_codes import ERRORS, PAIR_LIMIT, PAIR_SECONDS, SLOW
from notifications.channels.meta_content import Templates, free_content
from notifications.channels.meta_history import farthest_of
from notifications.channels.provider_api import (
    ProviderApi,
    Reply,
    ask,
    callback_url,
    not_told,
    server,
    setting,
    unreachable,
)
from notifications.channels.refusals import outcome_of
from notifications.content.sanitize import without_whatsapp_markup
from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.masking import masked

API_URL = "https://graph.facebook.com"
VERSION = re.compile(r"v[0-9]{2}\.[0-9]")
NUMBER_ID = re.compile("[0-9]{5,20}")
WINDOW_SECONDS = 24 * 3600.0  # …/whatsapp/messages/send-messages#customer-service-windows


class WhatsAppCloudChannel(Channel):
    """WhatsApp from the number whose ID at Meta is WHATSAPP_PHONE_NUMBER_ID.

    Kinds in WHATSAPP_TEMPLATES are sent as the approved templates that it names, with the variables in
    `whatsapp.lines.txt`. Other kinds are sent as free text, `whatsapp.txt`, and only to people who wrote to us in the
    last 24 hours: WhatsApp refuses free text to others. Without that setting, everything is sent as free text, and
    WhatsApp decides.
    """

    address_field = "phone"
    can_look_up = True
    templates = {"text": "whatsapp.txt"}
    most_files = 1

    def __init__(
        self, name: str, *, number_id: str, token: str, templates: Templates, version: str, api_url: str = ""
    ) -> None:
        super().__init__(name)
        self._path = f"/{version}/{number_id}"
        self._content = templates
        self._may_link = bool(callback_url("notifications:meta", is_real=not api_url))
        self._api = ProviderApi(api_url or API_URL, headers={"Authorization": f"Bearer {token}"})

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        number_id = setting(name, settings, "WHATSAPP_PHONE_NUMBER_ID")
        if not NUMBER_ID.fullmatch(number_id):
            raise ImproperlyConfigured("WHATSAPP_PHONE_NUMBER_ID is the number's ID at Meta: digits, and no number.")
        version = getattr(settings, "WHATSAPP_API_VERSION", "v23.0")
        if not VERSION.fullmatch(version):
            raise ImproperlyConfigured("WHATSAPP_API_VERSION must be like v23.0.")
        # The web renders previews in this channel's form, and has no use for the token.
        sends = getattr(settings, "OUTBOX_SENDS", True)
        return cls(
            name,
            number_id=number_id,
            token=setting(name, settings, "WHATSAPP_ACCESS_TOKEN") if sends else "",
            templates=Templates.from_settings(settings),
            version=version,
            api_url=server(settings, "WHATSAPP_API_URL"),
        )

    def templates_for(self, kind: str) -> Mapping[str, str]:
        return {"variables": "whatsapp.lines.txt"} if kind in self._content else self.templates

    def needs_inbound_age(self, kind: str) -> bool:
        return self._content.is_used and kind not in self._content

    def sanitize(self, text: str) -> str:
        return without_whatsapp_markup(text)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        content = self._content_of(outgoing)
        if isinstance(content, Permanent):
            return content
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": outgoing.address,
            "biz_opaque_callback_data": Attempt(outgoing.message_id, outgoing.claim_number).reference,
            **content,
        }
        with deadline.enforced() as transmission:
            try:
                reply = self._api.post_json(f"{self._path}/messages", message)
            except OSError as error:
                return transmission.failure(error)
        return _outcome(reply, outgoing.address)

    def look_up(self, provider_id: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        """The farthest of the message's events in Meta's history."""

        def look() -> DeliveryReport | Transient | Throttled | None:
            query = {"message_id": provider_id, "fields": "message_id,events{delivery_status,error_description}"}
            reply = self._api.get(f"{self._path}/message_history", query)
            return farthest_of(reply.document, provider_id) if reply.is_success else not_told(reply)

        return ask(look, deadline)

    def probe(self, deadline: Deadline) -> Probe:
        """Fetch our number's quality, which costs nothing."""
        reply = ask(lambda: self._api.get(self._path, {"fields": "quality_rating"}), deadline)
        if isinstance(reply, Transient):
            return unreachable("Meta", reply)
        if reply.status in (400, 401, 403):
            refused = f"Meta refuses the token or the number (error {_code(reply)})."
            return Probe(State.WRONG, f"{refused} Check WHATSAPP_ACCESS_TOKEN and WHATSAPP_PHONE_NUMBER_ID.")
        if not reply.is_success or not isinstance(reply.document, Mapping):
            return Probe(State.WRONG, f"That is not Meta (HTTP {reply.status}). Check WHATSAPP_API_URL.")
        quality = reply.text("quality_rating") or "UNKNOWN"
        return Probe(
            State.WRONG if quality == "RED" else State.OK,
            f"The number's quality is {quality}." + (" See WhatsApp Manager." if quality == "RED" else ""),
        )

    def close(self) -> None:
        self._api.close()

    def _content_of(self, outgoing: Outgoing) -> dict[str, Any] | Permanent:
        if outgoing.kind in self._content:
            return self._content.content(outgoing, may_link=self._may_link)
        is_answer = outgoing.inbound_age is not None and outgoing.inbound_age < WINDOW_SECONDS
        if self._content.is_used and not is_answer:
            return Permanent("no_template", "No approved template, and nothing heard from them for 24 hours.")
        return free_content(outgoing, may_link=self._may_link)


def _outcome(reply: Reply, address: str) -> Outcome:
    if reply.is_success:
        messages = reply.document.get("messages") if isinstance(reply.document, Mapping) else None
        first = messages[0] if isinstance(messages, list) and messages else None
        name = first.get("id") if isinstance(first, Mapping) else None
        return Accepted(name) if isinstance(name, str) and name else Unknown("unreadable_answer", "no id")
    number = _code(reply)
    detail = masked(reply.text("error", "error_data", "details") or reply.text("error", "message"), address)
    if number == PAIR_LIMIT:
        return Transient(f"meta_{number}", detail, Deferral(PAIR_SECONDS))
    meaning = ERRORS.get(number) if number is not None else None
    return outcome_of(
        status=400 if meaning else reply.status,
        meaning=meaning,
        code=f"meta_{number}" if number is not None and 400 <= reply.status < 600 else f"http_{reply.status}",
        detail=detail,
        wait=max(reply.wait, SLOW.get(number or 0, 0.0)),
    )


def _code(reply: Reply) -> int | None:
    error = reply.document.get("error") if isinstance(reply.document, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and 0 <= code < 10**9 else None
