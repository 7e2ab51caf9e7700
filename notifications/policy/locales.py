"""Checks languages and time zones: only some have rules for dates, money and quiet hours."""

from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError


def is_language(tag: str) -> bool:
    """Whether dates and money can be written in the language `tag`, for example en or pt-br."""
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return False
    return True


def is_time_zone(name: object) -> bool:
    """Whether `name` is a time zone of the IANA database, for example Europe/Berlin."""
    return name in available_timezones()
