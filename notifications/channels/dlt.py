"""India's register of senders and wordings (DLT): which entity and which template go with a message to India.

    SMS_DLT_ENTITY_ID = "1101456324675322134"
    SMS_DLT_TEMPLATES = {"booking.confirmed": {"en": "1107457532145798767", "hi": "1107457532145798768"}}

Carriers in India deliver only wordings that are registered, and drop the others without a word: TRAI, Telecom
Commercial Communications Customer Preference Regulations, 2018, https://www.trai.gov.in/telecom/tcccpr.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Outgoing
from notifications.lifecycle import Permanent

INDIA = "+91"
NUMBER = re.compile("[0-9]{1,30}")


class Registered(NamedTuple):
    """The numbers under which a message's sender and wording are registered."""

    entity: str
    template: str


@dataclass(frozen=True, slots=True)
class Register:
    """The registered templates by kind and language; `default` is the language where the recipient's has none."""

    entity: str
    templates: Mapping[str, Mapping[str, str]]
    default: str

    @classmethod
    def from_settings(cls, settings: Any) -> Self:
        """Raises ImproperlyConfigured."""
        entity = getattr(settings, "SMS_DLT_ENTITY_ID", "")
        templates = getattr(settings, "SMS_DLT_TEMPLATES", {})
        if bool(entity) != bool(templates):
            raise ImproperlyConfigured("SMS_DLT_ENTITY_ID and SMS_DLT_TEMPLATES go together: set both, or neither.")
        if entity and not _is_number(entity):
            raise ImproperlyConfigured("SMS_DLT_ENTITY_ID must be the number under which you are registered.")
        if not isinstance(templates, Mapping) or not all(map(_is_of_languages, templates.values())):
            raise ImproperlyConfigured('SMS_DLT_TEMPLATES must be {"kind": {"language": "the number"}, …}.')
        return cls(entity, templates, getattr(settings, "LANGUAGE_CODE", "en"))

    def numbers_of(self, outgoing: Outgoing) -> Registered | Permanent | None:
        """The numbers that go with `outgoing`; None: none, for it goes elsewhere or nothing is registered."""
        if not self.entity or not outgoing.address.startswith(INDIA):
            return None
        languages = self.templates.get(outgoing.kind)
        if languages is None:
            return Permanent("no_template", "India delivers no wording that is not registered (SMS_DLT_TEMPLATES).")
        locale = outgoing.locale
        wanted = (locale, locale.partition("-")[0], self.default, next(iter(languages)))
        return Registered(self.entity, next(languages[each] for each in wanted if each in languages))


def _is_number(value: object) -> bool:
    return isinstance(value, str) and bool(NUMBER.fullmatch(value))


def _is_of_languages(languages: object) -> bool:
    return isinstance(languages, Mapping) and bool(languages) and all(map(_is_number, languages.values()))
