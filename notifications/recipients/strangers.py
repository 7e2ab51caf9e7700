"""Recipients who have no account: an address is all that is known of them, and the address is their lane.

Opt-outs of the address hold, as for everybody who has it. `verification` sends its codes to such recipients too.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from notifications.content.localization import language_of
from notifications.errors import InvalidContact
from notifications.models import Recipient
from notifications.policy import phone_numbers
from notifications.policy.address_keys import address_key
from notifications.recipients.addresses import adopt_opt_outs, has_email, lock_address
from notifications.recipients.contact_fields import checked_changes


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody without an account, to publish to: a phone number, an email address, or both.

    However a number is written, it is one number. The language and the zone count when the address is first used;
    empty: LANGUAGE_CODE and TIME_ZONE.
    """

    phone: str = ""
    email: str = ""
    locale: str = ""
    time_zone: str = ""


def valid(address: Address) -> Address:
    """`address` as it is stored. Raises InvalidContact, naming every field that is wrong."""
    given = {"phone": address.phone, "email": address.email}
    wishes = {"locale": address.locale, "time_zone": address.time_zone}
    stored = checked_changes(given | {word: value for word, value in wishes.items() if value})
    if not (stored["phone"] or stored["email"]):
        raise InvalidContact({"phone": [_("Enter a phone number or an email address.")]})
    return Address(**stored)


def stranger_of(address: Address, *, using: str = DEFAULT_DB_ALIAS) -> Recipient:
    """The recipient that is just this address, and nobody's account; made if there is none. Within a transaction.

    `address` is as it is stored: `valid` makes it so.
    """
    known = strangers_of(address, using=using).first()
    if known is not None:
        return known
    for key in sorted(keys_of(address)):  # so that two that make it at once make one: one lane
        lock_address(key, using=using)
    known = strangers_of(address, using=using).first()
    if known is not None:
        return known
    made = Recipient.objects.using(using).create(
        phone=address.phone,
        email=address.email,
        locale=address.locale or language_of(settings.LANGUAGE_CODE),
        time_zone=address.time_zone or settings.TIME_ZONE,
    )
    adopt_opt_outs(made, using=using)
    return made


def strangers_of(address: Address, *, using: str) -> QuerySet[Recipient]:
    """Who is just this address, as it is stored, and nobody's account: one, or of older ones the first."""
    phone = _has_phone(address.phone) if address.phone else Q(phone="")
    email = has_email(address.email) if address.email else Q(email="")
    return _strangers(using).filter(phone & email)


def strangers_at(address: Address, *, using: str) -> QuerySet[Recipient]:
    """Everybody without an account who has the number or the email address."""
    has = Q(pk__in=())
    if address.phone:
        has |= _has_phone(address.phone)
    if address.email:
        has |= has_email(address.email)
    return _strangers(using).filter(has)


def keys_of(address: Address) -> list[str]:
    """The names under which the number and the email address are compared, and locked."""
    return [key for key in (address_key("phone", address.phone), address_key("email", address.email)) if key]


def _strangers(using: str) -> QuerySet[Recipient]:
    return Recipient.objects.using(using).filter(user=None).order_by("pk")


def _has_phone(phone: str) -> Q:
    return Q(phone__in=phone_numbers.forms(phone)) & ~Q(phone="")  # what is left out is what the index leaves out
