"""The fields of contact details: how each is checked, and how it is stored.

What people enter into pages is refused in the page's language; programs have English, the language of the API.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from notifications import conf
from notifications.channels import channel_names
from notifications.errors import InvalidContact
from notifications.kinds import Purpose
from notifications.policy import phone_numbers
from notifications.policy.email_addresses import Unusable, mailbox
from notifications.policy.locales import language_tag, time_zone_name

MOST_EMAIL = 254  # characters, https://www.rfc-editor.org/errata/eid1690


def checked_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` as they are stored. Raises InvalidContact, naming every field that is wrong."""
    errors: dict[str, list[str]] = {}
    valid: dict[str, Any] = {}
    for word, value in changes.items():
        try:
            valid[word] = checked(word, value)
        except KeyError:
            errors[word] = [_("There is no such field.")]
        except ValidationError as error:
            errors[word] = list(error.messages)
    if errors:
        raise InvalidContact(errors)
    return valid


def checked(word: str, value: Any) -> Any:
    """`value` as the field `word` is stored. Raises ValidationError, which says what to do."""
    return _CHECKS[word](value)


def _phone(value: Any) -> str:
    if value == "":
        return ""  # no phone
    number = phone_numbers.e164(str(value))
    if number is None:
        raise ValidationError(_("Enter a phone number with its country code, for example +14155550123."))
    if not phone_numbers.is_allowed(number, conf.allowed_countries()):
        raise ValidationError(_("We cannot send messages to numbers of this country."))
    return number


def _email(value: Any) -> str:
    text = str(value).strip()
    if len(text) > MOST_EMAIL:
        raise ValidationError(_("An email address has at most %(most)s characters.") % {"most": MOST_EMAIL})
    if text:
        validate_email(text)
        try:
            mailbox(text)  # Django's validator takes domains that nobody can look up, such as snowmen
        except Unusable as error:
            raise ValidationError(_("Enter a valid email address.")) from error
    return text


def _locale(value: Any) -> str:
    tag = language_tag(value)
    if tag is None:
        raise ValidationError(_("Enter a language tag, for example en, de-at or pt-br."))
    return tag


def _time_zone(value: Any) -> str:
    name = time_zone_name(value)
    if name is None:
        raise ValidationError(_("Enter a time zone of the IANA database by its place, for example Europe/Berlin."))
    return name


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValidationError("Enter true or false.")
    return value


def _by_channel_and_purpose(value: Any) -> dict[str, dict[str, bool]]:
    if not isinstance(value, dict) or not all(isinstance(purposes, dict) for purposes in value.values()):
        raise ValidationError("Enter purposes by channel, and true or false by purpose.")
    for channel, purposes in value.items():
        if channel not in channel_names():
            raise ValidationError(f"There is no such channel; there are {', '.join(channel_names())}.")
        for purpose, is_wanted in purposes.items():
            if purpose not in list(Purpose):
                raise ValidationError(f"There is no such purpose; there are {', '.join(Purpose)}.")
            _yes_or_no(is_wanted)
    return value


_CHECKS = {
    "phone": _phone,
    "email": _email,
    "locale": _locale,
    "time_zone": _time_zone,
    "sms_enabled": _yes_or_no,
    "whatsapp_enabled": _yes_or_no,
    "email_enabled": _yes_or_no,
    "opt_ins": _by_channel_and_purpose,
}
