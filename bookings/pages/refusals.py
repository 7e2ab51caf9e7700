"""Pages for requests that are refused before any page of ours sees them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _


def unreadable(request: HttpRequest) -> HttpResponse:
    """400: nobody can tell what was asked for."""
    words = _("Your browser sent something that we could not read. Go back, load the page again, and try once more.")
    return _page(request, 400, title=_("We could not read this"), words=words)


def forbidden(request: HttpRequest) -> HttpResponse:
    """403: it is there, and not for who asks."""
    words = _("Your account may not see this page, or do this. If it should, ask who gave you the account.")
    return _page(request, 403, title=_("This is not open to you"), words=words)


def nowhere(request: HttpRequest) -> HttpResponse:
    """404 at an address of no business, in the browser's language: its own page is all that can be shown there."""
    with translation.override(translation.get_language_from_request(request)):
        words = _("Nothing can be booked at this address. Check how it is written, or follow the link in our message.")
        return _page(request, 404, title=_("Nobody is here"), words=words, way_out=False)


def too_large(request: HttpRequest) -> HttpResponse:
    """413, in the browser's language: whose profile it would be is not known yet."""
    with translation.override(translation.get_language_from_request(request)):
        words = _("You sent more than we can take. Go back, enter less text, and send it again.")
        return _page(request, 413, title=_("This is too much"), words=words)


def _page(request: HttpRequest, status: int, *, title: str, words: str, way_out: bool = True) -> HttpResponse:
    context = {"title": title, "words": words, "way_out": way_out}
    return render(request, "pages/refused.html", context, status=status)
