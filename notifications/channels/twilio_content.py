"""Chooses WhatsApp's approved content template for a kind and language, and fills in its variables.

    TWILIO_WHATSAPP_TEMPLATES = {"booking.confirmed": {"en": "HX…", "de": "HX…"}}

The variables are the lines of the kind's template `whatsapp.lines.txt`, each with its name:

    1: {{ title }}
    2: {{ starts_at|local }}

https://www.twilio.com/docs/content/using-variables-with-content-api

A template approved with a variable in its media, `https://example.com/{{3}}`, gets the message's file by the line

    3: [file]

which becomes the path of the file's signed link: https://www.twilio.com/docs/content/twilio-media
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Outgoing
from notifications.channels.template_variables import FILE, asks_for_file, no_file, variables_in
from notifications.lifecycle import Permanent

CONTENT_SID = re.compile("HX[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class Content:
    """The templates by kind and language; `default` is the language where the recipient's has none."""

    sids: Mapping[str, Mapping[str, str]]
    default: str

    @classmethod
    def from_settings(cls, settings: Any) -> Self:
        """Raises ImproperlyConfigured."""
        sids = getattr(settings, "TWILIO_WHATSAPP_TEMPLATES", {})
        if not isinstance(sids, Mapping) or not all(_is_of_languages(languages) for languages in sids.values()):
            raise ImproperlyConfigured(
                'TWILIO_WHATSAPP_TEMPLATES must be {"kind": {"language": "HX and 32 hexadecimal digits", …}, …}.'
            )
        return cls(sids, getattr(settings, "LANGUAGE_CODE", "en"))

    @property
    def is_used(self) -> bool:
        return bool(self.sids)

    def __contains__(self, kind: str) -> bool:
        return kind in self.sids

    def words(self, outgoing: Outgoing, *, file_path: str) -> dict[str, str] | Permanent:
        """The template and its variables, as parameters of the request. `file_path` is empty where there is no file."""
        variables = variables_in(outgoing.parts["variables"])
        if isinstance(variables, Permanent):
            return variables
        if asks_for_file(variables) and not file_path:
            return no_file("the kind has none for whatsapp, or PUBLIC_URL is not set")
        variables = {name: file_path if value == FILE else value for name, value in variables.items()}
        words = {"content_sid": self._sid(outgoing.kind, outgoing.locale)}
        return words | ({"content_variables": json.dumps(variables, ensure_ascii=False)} if variables else {})

    def pieces(self, outgoing: Outgoing) -> list[str]:
        """The texts that the message must contain once Twilio has filled in the template."""
        variables = variables_in(outgoing.parts["variables"])
        return [] if isinstance(variables, Permanent) else [each for each in variables.values() if each != FILE]

    def _sid(self, kind: str, locale: str) -> str:
        languages = self.sids[kind]
        wanted = (locale, locale.partition("-")[0], self.default, next(iter(languages)))
        return next(languages[language] for language in wanted if language in languages)


def _is_of_languages(languages: object) -> bool:
    return (
        isinstance(languages, Mapping)
        and bool(languages)
        and all(isinstance(sid, str) and CONTENT_SID.fullmatch(sid) for sid in languages.values())
    )
