"""What a message by the WhatsApp Cloud API says: a template with its variables, a text, or a file with a text.

    WHATSAPP_TEMPLATES = {"booking.confirmed": {"en": "booking_confirmed/en_US", "de": "booking_confirmed"}}

The part after the slash is the template's language at Meta where it is not ours: `pt-BR` becomes `pt_BR` by itself.
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview

A template approved with a document or an image as its header gets the message's file by a line such as

    header: [file]

https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Outgoing
from notifications.channels.template_variables import FILE, asks_for_file, no_file, variables_in
from notifications.content.media_links import Wanted, media_link
from notifications.lifecycle import Permanent

TEMPLATE = re.compile(r"([a-z0-9_]{1,512})(?:/([a-z]{2,3}(?:_[A-Z]{2})?))?")
MOST_CHARACTERS, LONGEST_CAPTION = 4096, 1024  # …/whatsapp/messages/text-messages, …/messages/document-messages
IMAGES = ("image/jpeg", "image/png")


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates by kind and language; `default` is the language where the recipient's has none."""

    names: Mapping[str, Mapping[str, str]]
    default: str

    @classmethod
    def from_settings(cls, settings: Any) -> Self:
        """Raises ImproperlyConfigured."""
        names = getattr(settings, "WHATSAPP_TEMPLATES", {})
        if not isinstance(names, Mapping) or not all(map(_is_of_languages, names.values())):
            raise ImproperlyConfigured('WHATSAPP_TEMPLATES must be {"kind": {"language": "template_name"}, …}.')
        return cls(names, getattr(settings, "LANGUAGE_CODE", "en"))

    @property
    def is_used(self) -> bool:
        return bool(self.names)

    def __contains__(self, kind: str) -> bool:
        return kind in self.names

    def content(self, outgoing: Outgoing, *, may_link: bool) -> dict[str, Any] | Permanent:
        """The template for the recipient's language, with the file that it asks for, which Meta fetches if we
        `may_link` to it, and with its variables: numbered ones in their order, or named ones.
        """
        variables = variables_in(outgoing.parts["variables"])
        if isinstance(variables, Permanent):
            return variables
        with_file = asks_for_file(variables)
        if with_file and not (outgoing.files and may_link):
            return no_file("the kind has none for whatsapp, or Meta cannot fetch it: see PUBLIC_URL")
        header = [{"type": "header", "parameters": [_media(outgoing)]}] if with_file else []
        words = _parameters({name: text for name, text in variables.items() if text != FILE})
        languages = self.names[outgoing.kind]
        wanted = (outgoing.locale, outgoing.locale.partition("-")[0], self.default, next(iter(languages)))
        language = next(each for each in wanted if each in languages)
        name, _, at_meta = languages[language].partition("/")
        template: dict[str, Any] = {"name": name, "language": language_of(language, at_meta)}
        if components := header + ([{"type": "body", "parameters": words}] if words else []):
            template["components"] = components
        return {"type": "template", "template": template}


def free_content(outgoing: Outgoing, *, may_link: bool) -> dict[str, Any] | Permanent:
    """The text; with the message's file where there is one, Meta can fetch it, and the text fits under it."""
    text = outgoing.parts["text"]
    if len(text) > MOST_CHARACTERS:
        return Permanent("meta_too_long", f"WhatsApp takes {MOST_CHARACTERS} characters.")
    if not outgoing.files or not may_link or len(text) > LONGEST_CAPTION:
        return {"type": "text", "text": {"preview_url": False, "body": text}}
    return _media(outgoing, caption=text)


def _media(outgoing: Outgoing, **more: str) -> dict[str, Any]:
    """The message's file at its signed link, as an image or as a document."""
    file = outgoing.files[0]
    media = {"link": media_link(Wanted(outgoing.message_id, 0), now=time.time()), **more}
    if file.content_type in IMAGES:
        return {"type": "image", "image": media}
    return {"type": "document", "document": media | {"filename": file.name}}


def _parameters(variables: Mapping[str, str]) -> list[dict[str, str]]:
    if all(name.isdecimal() for name in variables):
        return [{"type": "text", "text": variables[name]} for name in sorted(variables, key=int)]
    return [{"type": "text", "parameter_name": name, "text": text} for name, text in variables.items()]


def language_of(language: str, at_meta: str) -> dict[str, str]:
    """The language as the request names it: `at_meta` if it is set, else ours in Meta's writing."""
    name, _, region = language.partition("-")
    ours = f"{name}_{region.upper()}" if len(region) == 2 else name
    return {"policy": "deterministic", "code": at_meta or ours}


def _is_of_languages(languages: object) -> bool:
    return (
        isinstance(languages, Mapping)
        and bool(languages)
        and all(isinstance(name, str) and TEMPLATE.fullmatch(name) for name in languages.values())
    )
