"""The names of time zones in the reader's language: MEZ for who reads German, CET for who reads English.

The names are those of Unicode's CLDR, which Babel carries
(https://unicode.org/reports/tr35/tr35-dates.html#Time_Zone_Names). The abbreviations of the time zone database are
English (https://data.iana.org/time-zones/theory.html), so only who reads English gets these.
"""

from datetime import datetime, timedelta

from babel import Locale
from babel.core import get_global

NONE_IN_USE = "∅∅∅"  # CLDR's mark for a name that this language does not take from another one


def zone_name(at: datetime, locale: Locale) -> str:
    """The short name of the time zone of `at`, an aware moment; its distance to GMT where the language has no name."""
    given = at.tzname() or ""
    if given == "UTC":  # everywhere so, says the standard
        return given
    return _by_cldr(at, locale) or (given if locale.language == "en" and given.isalpha() else _distance(at, locale))


def _by_cldr(at: datetime, locale: Locale) -> str:
    """The short name that the language commonly uses; empty if there is none."""
    zone = get_global("zone_aliases").get(str(at.tzinfo), str(at.tzinfo))
    meta_zone = get_global("meta_zones").get(zone, "")
    names = {
        **locale.meta_zones.get(meta_zone, {}).get("short", {}),
        **locale.time_zones.get(zone, {}).get("short", {}),
    }
    name = str(names.get("daylight" if at.dst() else "standard", ""))
    return "" if name == NONE_IN_USE else name


def _distance(at: datetime, locale: Locale) -> str:
    """GMT+5:30, as short as CLDR's short form of it."""
    offset = at.utcoffset() or timedelta()
    hours, minutes = divmod(int(abs(offset).total_seconds()) // 60, 60)
    sign = "-" if offset < timedelta() else "+"
    said = f"{sign}{hours}" + (f":{minutes:02}" if minutes else "") if offset else ""
    return str(locale.zone_formats["gmt"]) % said
