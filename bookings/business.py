"""The business whose bookings these are: BUSINESS in the settings, for pages, messages, receipts and calendar files."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from notifications.content.until_settings_change import until_settings_change


@dataclass(frozen=True, slots=True)
class Business:
    """Who we are, in what customers read. Each of `address` and `legal` is one line; what is not set is empty.

    `currency` is ISO 4217 and what new slots cost in; `time_zone` is the venue's, of the IANA database.
    """

    name: str
    address: tuple[str, ...] = ()
    email: str = ""
    phone: str = ""
    website: str = ""
    legal: tuple[str, ...] = ()
    currency: str = "EUR"
    time_zone: str = "UTC"


@until_settings_change
def business() -> Business:
    """The business, as the settings describe it."""
    described: dict[str, Any] = settings.BUSINESS
    return Business(**described)


def default_currency() -> str:
    """What a new slot costs in."""
    return business().currency


def for_pages(_: HttpRequest) -> dict[str, Any]:
    """For the templates of pages: {{ business.name }}, and whether there is a logo, at the page `logo`."""
    return {"business": business(), "has_logo": bool(settings.BUSINESS_LOGO)}
