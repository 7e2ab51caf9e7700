"""Chooses WhatsApp's approved content template for a kind and language, and fills in its variables.

    TWILIO_WHATSAPP_TEMPLATES = {"booking.confirmed": {"en": "HX…", "de": "HX…"}}

The variables are the lines of the kind's template `whatsapp.lines.txt`, each with its name:

    1: {{ title }}
    2: {{ starts_at|local }}

https://www.twilio.com/docs/content/using-variables-with-content-api
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Outgoing
from notifications.lifecycle import Permanent

CONTENT_SID = re.compile("HX[0-9a-fA-F]{32}")
LINE = re.compile(r"([A-Za-z0-9_]{1,16}):[ \t]*(.*)")


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

    def words(self, outgoing: Outgoing) -> dict[str, str] | Permanent:
        """The template and its variables, as parameters of the request."""
        variables: dict[str, str] = {}
        for line in filter(None, map(str.strip, outgoing.parts["variables"].splitlines())):
            match = LINE.fullmatch(line)
            if match is None:
                return Permanent("bad_variables", "A line of whatsapp.lines.txt is not name: value.")
            variables[match[1]] = " ".join(match[2].split())  # WhatsApp takes no tabs, and no run of spaces
        words = {"content_sid": self._sid(outgoing.kind, outgoing.locale)}
        return words | ({"content_variables": json.dumps(variables, ensure_ascii=False)} if variables else {})

    def pieces(self, words: Mapping[str, str]) -> list[str]:
        """The texts that the message must contain once Twilio has filled in the template."""
        return list(json.loads(words.get("content_variables", "{}")).values())

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
