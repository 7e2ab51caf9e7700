"""Whose business this is: what customers read on every page, message and receipt. docs/settings.md says what each does.

Settings, not rows: web and relay must say the same, a message must read the same on each attempt, and a name that
changes belongs on record, as every other setting does.
"""

import re
from email.utils import formataddr
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from config.environment import env, refuse

MOST_NAME = 60  # characters: it opens every SMS
_LINE_SEPARATOR = ";"


def _line(name: str, *, default: str = "", most: int = 200) -> str:
    text: str = env.str(name, default=default).strip()
    if len(text) > most or not text.isprintable():
        refuse(f"{name} must be one line of at most {most} characters.")
    return text


def _lines(name: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in _line(name, most=1000).split(_LINE_SEPARATOR))))


def _time_zone(name: str, *, default: str) -> str:
    zone = _line(name, default=default)
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, LookupError):
        refuse(f"{name} must be a time zone of the IANA database (Europe/Berlin), not {zone!r}.")


def _currency(name: str, *, default: str) -> str:
    currency = _line(name, default=default)
    if not re.fullmatch("[A-Z]{3}", currency):
        refuse(f"{name} must be three capital letters of ISO 4217 (EUR), not {currency!r}.")
    return currency


def _website(name: str, *, default: str = "") -> str:
    url = _line(name, default=default)
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        refuse(f"{name} must be http(s)://…, not {url!r}.")
    return url


def _by_kind(name: str) -> dict[str, str]:
    said = env.json(name, default={})
    if not isinstance(said, dict) or not all(isinstance(each, str) for each in said.values()):
        refuse(f'{name} must be JSON, as in {{"booking.*": "Kayaks <hello@kayaks.example>"}}.')
    return said


__all__ = [
    "BUSINESS",
    "BUSINESS_LOGO",
    "OUTBOX_CONTEXT",
    "OUTBOX_REPLY_TO_OF_KIND",
    "OUTBOX_SENDER_OF_KIND",
    "SENDER",
    "VENUE_TIME_ZONE",
]

NAME = _line("BUSINESS_NAME", default="Bookings", most=MOST_NAME) or "Bookings"
VENUE_TIME_ZONE = _time_zone("BUSINESS_TIME_ZONE", default="UTC")
BUSINESS: dict[str, Any] = {
    "name": NAME,
    "address": _lines("BUSINESS_ADDRESS"),
    "email": _line("BUSINESS_EMAIL"),
    "phone": _line("BUSINESS_PHONE"),
    "website": _website("BUSINESS_WEBSITE"),
    "legal": _lines("BUSINESS_LEGAL"),
    "currency": _currency("BUSINESS_CURRENCY", default="EUR"),
    "time_zone": VENUE_TIME_ZONE,
}
BUSINESS_LOGO = _line("BUSINESS_LOGO", most=1000)  # a file: PNG or JPEG (bookings/business_logo.py)
OUTBOX_CONTEXT = "bookings.shared_context.context_of"  # what every message's templates may use
OUTBOX_SENDER_OF_KIND = _by_kind("OUTBOX_SENDER_OF_KIND")
OUTBOX_REPLY_TO_OF_KIND = {"*": BUSINESS["email"]} if BUSINESS["email"] else {}
OUTBOX_REPLY_TO_OF_KIND |= _by_kind("OUTBOX_REPLY_TO_OF_KIND")
SENDER = formataddr((NAME, "bookings@localhost"))  # unless DEFAULT_FROM_EMAIL says another
