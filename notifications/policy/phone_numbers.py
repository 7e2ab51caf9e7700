"""Phone numbers: read in any notation, kept as E.164, known by their country, and compared in one form."""

import re
from collections.abc import Collection
from functools import lru_cache

import phonenumbers

# Numbers that networks write in two ways. WhatsApp and carriers keep a digit that a country has dropped, or lack one
# that it has added: Mexico's 1 (dropped in 2019), Argentina's 9 (of mobiles, in international calls), Brazil's ninth
# digit (of mobiles, since 2016), Benin's 01 (since 2024), Ivory Coast's 01, 05 and 07 (of mobiles, by
# operator, since 2021). REWRITTEN leads to the form to compare by.
REWRITTEN = [
    (re.compile(r"\+521(\d{10})"), r"+52\1"),
    (re.compile(r"\+549(\d{10})"), r"+54\1"),
    (re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
    (re.compile(r"\+229(\d{8})"), r"+22901\1"),
    (re.compile(r"\+225([04-9][0-3]\d{6})"), r"+22501\1"),
    (re.compile(r"\+225([04-9][4-6]\d{6})"), r"+22505\1"),
    (re.compile(r"\+225([04-9][7-9]\d{6})"), r"+22507\1"),
]
WRITTEN_BACK = [
    (re.compile(r"\+52(\d{10})"), r"+521\1"),
    (re.compile(r"\+54(\d{10})"), r"+549\1"),
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2"),
    (re.compile(r"\+22901(\d{8})"), r"+229\1"),
    (re.compile(r"\+22501([04-9][0-3]\d{6})"), r"+225\1"),
    (re.compile(r"\+22505([04-9][4-6]\d{6})"), r"+225\1"),
    (re.compile(r"\+22507([04-9][7-9]\d{6})"), r"+225\1"),
]

FEWEST_DIGITS, MOST_DIGITS = 7, 19  # E.164 has up to 15, and a prefix for calls abroad (0011, 8~10) up to four
REMEMBERED = 2048  # numbers; reading one takes some 50 µs

# The country of every number that begins with these three digits, where one country has the code for itself.
ALONE = {
    f"{code}{rest:0{3 - len(str(code))}}" if len(str(code)) < 3 else str(code): regions[0]
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if len(regions) == 1 and len(regions[0]) == 2
    for rest in range(10 ** (3 - len(str(code))))
}
# Where several have it, so many characters tell the country: +1 and the area code, or eight digits (+44 79117 is
# Guernsey's, +39 06698 the Vatican's, +590 59027 Saint-Barthélemy's).
AREA, DECIDES = 5, 9
MOST_PREFIXES = 20_000  # kept; in use are some hundreds
_of_prefix: dict[str, str] = {}


def e164(text: str) -> str | None:
    """The phone number `text`, which must name its country, as E.164; None if there can be no such number."""
    number = _formatted(text)
    if number is None or _is_valid(number):
        return number
    rewritten = canonical(number)  # a form that its country has given up
    return rewritten if _is_valid(rewritten) else None


def canonical(phone: str) -> str:
    """The form by which the E.164 number `phone` is compared with others; it is not what is sent to."""
    for form, rewritten in REWRITTEN:
        if found := form.fullmatch(phone):
            return found.expand(rewritten)
    return phone


def forms(phone: str) -> list[str]:
    """Every way in which networks, and so our tables, may write the E.164 number `phone`."""
    compared = canonical(phone)
    others = [found.expand(other) for form, other in WRITTEN_BACK if (found := form.fullmatch(compared))]
    return sorted({phone, compared, *others})


def readings(text: str, countries: Collection[str] = ()) -> list[str]:
    """The numbers, as E.164, that `text` can mean without a country code: one in each of `countries`, or of all."""
    digits = sum(character.isdecimal() for character in text)
    if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        return []
    read = (_formatted(text, country) for country in countries or phonenumbers.SUPPORTED_REGIONS)
    return sorted({number for number in read if number and _is_valid(number)})


def _formatted(text: str, country: str | None = None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_valid(phone: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(phone))


@lru_cache(REMEMBERED)
def country_of(phone: str) -> str | None:
    """The country (ISO 3166-1 alpha-2) that the E.164 number `phone` belongs to; None for one of no country.

    Not the country code: +1 is shared by the United States, Canada and some twenty islands, whose numbers are dear.
    """
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None


def country_by_prefix(phone: str) -> str:
    """The country that the E.164 number `phone` belongs to, told by its first digits; empty for none.

    For statistics, where a relay has a microsecond for it. `country_of` reads the whole number, and says no country for
    one that nobody can have.
    """
    if country := ALONE.get(phone[1:4]):
        return country
    prefix = phone[: AREA if phone.startswith("+1") else DECIDES]
    return _of_prefix.get(prefix) or _learn_prefix(prefix, phone)


def _learn_prefix(prefix: str, phone: str) -> str:
    """Only a number that somebody can have tells the country of those that begin alike."""
    if country := country_of(phone):
        if len(_of_prefix) >= MOST_PREFIXES:
            _of_prefix.clear()
        _of_prefix[prefix] = country if len(country) == 2 else ""
        return _of_prefix[prefix]
    codes = (phone[1:end] for end in (2, 3, 4) if phone[1:end].isdecimal())
    regions = next((found for code in codes if (found := phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code)))), ())
    return next((region for region in regions if len(region) == 2), "")


def is_allowed(phone: str, countries: Collection[str]) -> bool:
    """Whether messages may go to `phone`; no `countries` allow all."""
    return not countries or country_of(phone) in countries
