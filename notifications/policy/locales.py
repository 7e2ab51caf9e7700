"""Languages and time zones: how their names are written, and what stands in for one that cannot be used.

A name is stored only if it can be used. What was stored earlier may become unusable: a release of tzdata drops a
zone, a host has none. Then the default stands in, and the log says so once per process.
"""

import logging
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError

logger = logging.getLogger(__name__)

REMEMBERED = 1024  # names; there are some 600 zones and 700 languages
# A language, its script and its region; no variants, of which there is no end: de-anything. RFC 5646, 2.1.
TAG = re.compile(r"(?P<language>[A-Za-z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_](?:[A-Za-z]{2}|[0-9]{3}))?")
NO_PLACES = frozenset({"Factory", "localtime"})  # tzdata's names for a clock that nobody has set, and for this host's


def language_tag(text: object) -> str | None:
    """`text` as a language tag in small letters, de-at for de_AT; None unless dates and money can be written in it."""
    if not isinstance(text, str) or not (found := TAG.fullmatch(text)) or found["language"].lower() == "und":
        return None
    tag = text.replace("_", "-").lower()
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return None
    return tag


def time_zone_name(text: object) -> str | None:
    """`text` as the IANA database writes it, Europe/Berlin for europe/berlin; None if that has no such time zone."""
    return _zone_names().get(text.lower()) if isinstance(text, str) else None


def is_language(tag: str) -> bool:
    """Whether dates and money can be written in the language `tag`, for example en or pt-br."""
    return language_tag(tag) is not None


def is_time_zone(name: object) -> bool:
    """Whether `name` is a time zone of the IANA database, for example Europe/Berlin."""
    return time_zone_name(name) is not None


@lru_cache(REMEMBERED)
def usable_language(tag: str, *, default: str) -> str:
    """`tag`, or `default` if no dates and money can be written in it."""
    if usable := language_tag(tag):
        return usable
    logger.warning("There is no language %r; %r stands in.", tag[:40], default)
    return language_tag(default) or "en"


@lru_cache(REMEMBERED)
def usable_zone(name: str, *, default: str = "UTC") -> ZoneInfo:
    """The time zone `name`, or `default` if this host's tzdata has no such zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        logger.warning("This host's tzdata has no time zone %r; %s stands in.", name[:64], default)
        return ZoneInfo("UTC") if name == default else usable_zone(default)


@lru_cache(1)
def _zone_names() -> dict[str, str]:
    """Read from the disk once: it takes milliseconds, and a new tzdata comes with a new process."""
    return {name.lower(): name for name in available_timezones() - NO_PLACES}
