"""The language and the time zone of the customer's pages.

A customer who is signed in reads the language of the profile, in which our messages come too. Anybody else reads the
language that they chose at the bottom of a page, or else the browser's. The API, the admin and what machines call stay
in English.
"""

from collections.abc import Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from bookings import contacts
from bookings.pages import next_page
from bookings.pages.posted import posted_from
from notifications import outbox

NOT_PAGES = ("/api/", "/admin/", "/metrics", "/healthz", "/readyz", f"/{settings.STATIC_URL.strip('/')}/")
YEAR = 365 * 24 * 3600  # seconds that a browser keeps a choice


class PageLanguage:
    """Middleware: each page in its reader's language and time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(NOT_PAGES):
            return self._get_response(request)
        language, zone = _wanted(request)
        with translation.override(language), timezone.override(zone):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


@posted_from("slots-page")
def choose(request: HttpRequest) -> HttpResponse:
    """Take the chosen language, and go back to the page. For who is signed in, it becomes the profile's."""
    response = redirect(next_page.if_ours(request, request.POST.get("next", "")) or "slots-page")
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        return response
    if request.user.is_authenticated:
        contacts.request_changes(request.user, locale=language)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=YEAR,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _wanted(request: HttpRequest) -> tuple[str, ZoneInfo]:
    offered, zone = translation.get_language_from_request(request), ZoneInfo(settings.TIME_ZONE)
    try:
        contact = outbox.contact_of(request.user) if request.user.is_authenticated else None
    except Error:  # the page finds that out itself, and answers it
        contact = None
    if contact is None:
        return offered, zone
    with suppress(LookupError):  # where we have no pages in it
        offered = translation.get_supported_language_variant(contact.locale)
    return offered, ZoneInfo(contact.time_zone)
