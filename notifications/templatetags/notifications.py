"""Template filters for messages: money and moments, in the recipient's locale."""

from datetime import datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_skeleton, format_time
from babel.numbers import format_currency, get_currency_precision, parse_pattern
from django import template
from django.utils import timezone, translation

from notifications.content import localization
from notifications.content.confirmation_codes import code_of
from notifications.content.zone_names import zone_name
from notifications.policy.currencies import minor_digits

register = template.Library()

REMEMBERED = 2048  # texts; the messages of one event share its moment and its price


@register.filter
def money(amount: int, currency: str) -> str:
    """`amount` minor units of the ISO 4217 `currency`, in the active locale: {{ amount|money:currency }} → €12.50."""
    language, _ = localization.current()
    return _money(amount, currency.upper(), language)


@register.filter
def local(moment: str) -> str:
    """An ISO 8601 moment in the active time zone and locale: {{ starts_at|local }} → Tue, Dec 1, 2026, 6:00 PM CET,
    and in German Di., 1. Dez. 2026, 18:00 MEZ.
    """
    language, zone = localization.current()
    return _local(moment, zone, language)


@register.filter
def local_at(moment: str, place: str) -> str:
    """A moment by the clock of the time zone `place`, and the reader's own beside it where that shows another time:
    {{ starts_at|local_at:time_zone }} → Tue, Dec 1, 2026, 6:00 PM CET (12:00 PM EST).

    A reader in UTC has not named a time zone.
    """
    language, zone = localization.current()
    return _local_at(moment, place, zone, language)


@register.filter
def at_place(moment: str, place: str) -> str:
    """A moment by the clock of the time zone `place` alone, where there is no room for `local_at`: in an SMS."""
    language, _ = localization.current()
    return _local(moment, localization.zone_of(place), language)


@register.filter
def local_day(moment: str) -> str:
    """The day of an ISO 8601 moment in the active time zone and locale: {{ paid_at|local_day }} → Dec 1, 2026."""
    language, zone = localization.current()
    at = timezone.localtime(datetime.fromisoformat(moment), zone)
    return _plain_spaces(format_skeleton("yMMMd", at, locale=_locale(language)))


@register.filter
def code(verification: int) -> str:
    """The code that confirms an address: {{ verification|code }} → 123456. It is kept nowhere."""
    return code_of(verification)


@lru_cache(REMEMBERED)
def _money(amount: int, currency: str, language: str) -> str:
    """With the decimals of its minor unit, or fewer where prices are written with fewer and nothing would be lost."""
    digits, locale = minor_digits(currency), _locale(language)
    value = Decimal(amount).scaleb(-digits)
    usual = get_currency_precision(currency)
    pattern = parse_pattern(locale.currency_formats["standard"].pattern)
    shown = usual if usual < digits and value == round(value, usual) else digits
    pattern.frac_prec = (shown, shown)
    return _plain_spaces(format_currency(value, currency, format=pattern, locale=locale, currency_digits=False))


@lru_cache(REMEMBERED)
def _local(moment: str, zone: tzinfo, language: str) -> str:
    at = timezone.localtime(datetime.fromisoformat(moment), zone)
    date = format_skeleton("yMMMEd", at, locale=_locale(language))
    return _plain_spaces(f"{date}, {_time(at, language)}")


@lru_cache(REMEMBERED)
def _local_at(moment: str, place: str, zone: tzinfo, language: str) -> str:
    there = datetime.fromisoformat(moment).astimezone(localization.zone_of(place))
    here = there.astimezone(zone)
    said = _local(moment, there.tzinfo or zone, language)
    if str(zone) == "UTC" or here.utcoffset() == there.utcoffset():
        return said
    own = _time(here, language) if here.date() == there.date() else _local(moment, zone, language)
    return f"{said} ({_plain_spaces(own)})"


def _time(at: datetime, language: str) -> str:
    """By the clock of `at`, with its time zone in the reader's language."""
    return f"{format_time(at, 'short', locale=_locale(language))} {zone_name(at, _locale(language))}"


@lru_cache(REMEMBERED)
def _locale(language: str) -> Locale:
    return Locale.parse(translation.to_locale(language))


def _plain_spaces(text: str) -> str:
    """Replace CLDR's no-break spaces by ordinary ones: a single one doubles the length of an SMS (UCS-2, not GSM-7)."""
    return text.replace("\u202f", " ").replace("\xa0", " ")
