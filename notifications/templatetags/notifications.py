"""Template filters for messages: money and moments, as the recipient writes them."""

from datetime import datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_skeleton, format_time
from babel.numbers import format_currency, get_currency_precision
from django import template
from django.utils import timezone, translation

register = template.Library()


@register.filter
def money(amount: int, currency: str) -> str:
    """`amount` minor units of the ISO 4217 `currency`, in the active locale: {{ amount|money:currency }} → €12.50."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    return _plain_spaces(format_currency(value, currency, locale=_locale()))


@register.filter
def local(moment: str) -> str:
    """An ISO 8601 moment in the active time zone and locale: {{ starts_at|local }} → Tue, Dec 1, 2026, 6:00 PM CET."""
    at = timezone.localtime(datetime.fromisoformat(moment))
    date = format_skeleton("yMMMEd", at, locale=_locale())
    return _plain_spaces(f"{date}, {format_time(at, 'short', locale=_locale())} {at.tzname()}")


def _locale() -> Locale:
    return Locale.parse(translation.to_locale(translation.get_language() or "en"))


def _plain_spaces(text: str) -> str:
    """Ordinary spaces for CLDR's no-break ones: a single one of those makes an SMS twice as long (UCS-2, not GSM-7)."""
    return text.replace("\u202f", " ").replace("\xa0", " ")
