"""Notifications in the customer's browsers: signing one up, taking one off, and the script that shows what comes.

The script is served from the top of our own origin: a service worker rules what lies below its address.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings.pages.posted import posted_from
from bookings.pages.views import customers_only
from bookings.user_agents import in_words, translated
from notifications import browsers
from notifications.outbox import InvalidContact

WORKER = Path(__file__).resolve().parent.parent / "static/bookings/push-worker.js"


@require_safe
@never_cache
def worker(_: HttpRequest) -> HttpResponse:
    """The service worker. 404 where there is no channel to browsers."""
    if not browsers.push_channel():
        raise Http404
    return HttpResponse(WORKER.read_bytes(), content_type="text/javascript; charset=utf-8")


@posted_from("profile-page")
@customers_only
@never_cache
def sign_up(request: HttpRequest) -> HttpResponse:
    """This browser shows notifications from now on."""
    told = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    try:
        browsers.subscribe(_customer(request), **told, browser=in_words(request.headers.get("User-Agent", "")))
    except InvalidContact as error:
        return HttpResponseBadRequest(" ".join(error.errors["endpoint"]), content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@posted_from("profile-page")
@customers_only
@never_cache
def take_off(request: HttpRequest) -> HttpResponse:
    """A browser shows none any more: this one, by its endpoint, or another, by a button of the page."""
    which = {"endpoint": request.POST["endpoint"]} if "endpoint" in request.POST else {"pk": _number(request)}
    browsers.unsubscribe(_customer(request), **which)
    return HttpResponse(status=204) if "endpoint" in request.POST else redirect("profile-page")


def section_of(customer: User) -> dict[str, Any] | None:
    """What the profile's page shows; None where there is no channel to browsers.

    `known` has a digest of each browser's address, by which the page knows itself: the address would be a key.
    """
    if not browsers.push_channel():
        return None
    signed_up = list(browsers.subscriptions_of(customer))
    return {
        "key": settings.WEBPUSH_PUBLIC_KEY,
        "known": " ".join(sha256(each.endpoint.encode()).hexdigest() for each in signed_up),
        "browsers": [(each, translated(each.browser)) for each in signed_up],
    }


def _customer(request: HttpRequest) -> User:
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    return request.user


def _number(request: HttpRequest) -> int:
    text = request.POST.get("browser", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404
    return int(text)
