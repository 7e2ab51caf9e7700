"""Phone numbers: read in any notation, kept as E.164, and known by their country."""

from collections.abc import Collection
from functools import lru_cache

import phonenumbers

REMEMBERED = 2048  # numbers; reading one takes some 50 µs


def e164(text: str) -> str | None:
    """The phone number `text`, which must name its country, as E.164; None if there can be no such number."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(REMEMBERED)
def country_of(phone: str) -> str | None:
    """The country (ISO 3166-1 alpha-2) that the E.164 number `phone` belongs to; None for one of no country.

    Not the country code: +1 is shared by the United States, Canada and some twenty islands, whose numbers are dear.
    """
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None


def is_allowed(phone: str, countries: Collection[str]) -> bool:
    """Whether messages may go to `phone`; no `countries` allow all."""
    return not countries or country_of(phone) in countries
