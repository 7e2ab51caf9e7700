"""Recipients as the rest of an application sees them: a user's contact details and wishes, read and changed."""

from dataclasses import asdict, dataclass, fields
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import DEFAULT_DB_ALIAS, transaction

from notifications.errors import InvalidContact, InvalidRecipient
from notifications.models import Recipient


@dataclass(frozen=True, slots=True)
class Contact:
    """How, where and in which language someone wants to be reached. `phone` is E.164; an empty address is none."""

    phone: str
    email: str
    locale: str
    time_zone: str
    sms_enabled: bool
    whatsapp_enabled: bool
    email_enabled: bool


WORDS = tuple(field.name for field in fields(Contact))


def key_of(user: Recipient | AbstractBaseUser) -> dict[str, Any]:
    """How to look up the row of `user`. Raises InvalidRecipient for anything but a saved user or a saved Recipient."""
    if not isinstance(user, Recipient | AbstractBaseUser) or user.pk is None:
        raise InvalidRecipient(user)
    return {"pk": user.pk} if isinstance(user, Recipient) else {"user_id": user.pk}


def recipient_of(user: Recipient | AbstractBaseUser, *, using: str = DEFAULT_DB_ALIAS) -> Recipient:
    """The recipient's row of `user`, made with the user's email address where there is none yet.

    Raises InvalidRecipient.
    """
    key = key_of(user)
    if isinstance(user, Recipient):
        return user
    email = getattr(user, user.get_email_field_name(), "") or ""
    defaults = {"email": email, "locale": settings.LANGUAGE_CODE, "time_zone": settings.TIME_ZONE}
    recipient, _ = Recipient.objects.using(using).get_or_create(**key, defaults=defaults)
    return recipient


def contact_of(user: Recipient | AbstractBaseUser) -> Contact:
    """The contact details of `user`; raises InvalidRecipient."""
    recipient = recipient_of(user)
    return Contact(**{word: getattr(recipient, word) for word in WORDS})


def change_contact(user: Recipient | AbstractBaseUser, **changes: Any) -> Contact:
    """Change the contact details named in `changes`, all or none of them.

    Raises InvalidContact, naming every field that is wrong, and InvalidRecipient.
    """
    changes = _checked(changes)
    with transaction.atomic():
        recipient = recipient_of(user)
        for word, value in changes.items():
            setattr(recipient, word, value)
        recipient.save(update_fields=list(changes))
    return Contact(**(asdict(contact_of(recipient)) | changes))


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    checked: dict[str, Any] = {}
    for word, value in changes.items():
        try:
            checked[word] = _CHECKS[word](value)
        except KeyError:
            errors[word] = ["There is no such field."]
        except ValidationError as error:
            errors[word] = list(error.messages)
    if errors:
        raise InvalidContact(errors)
    return checked


def _phone(value: Any) -> str:
    if value == "":
        return ""  # no phone
    try:
        number = phonenumbers.parse(str(value))
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise ValidationError("Enter a phone number with its country code, for example +14155550123.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(value: Any) -> str:
    text = str(value)
    if text:
        validate_email(text)
    if len(text) > 254:
        raise ValidationError("An email address has at most 254 characters.")
    return text


def _locale(value: Any) -> str:
    try:
        Locale.parse(str(value), sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        raise ValidationError("Enter a language tag, for example en or pt-br.") from None
    return str(value)


def _time_zone(value: Any) -> str:
    if value not in available_timezones():
        raise ValidationError("Enter a time zone of the IANA database, for example Europe/Berlin.")
    return str(value)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValidationError("Enter true or false.")
    return value


_CHECKS = {
    "phone": _phone,
    "email": _email,
    "locale": _locale,
    "time_zone": _time_zone,
    "sms_enabled": _yes_or_no,
    "whatsapp_enabled": _yes_or_no,
    "email_enabled": _yes_or_no,
}
