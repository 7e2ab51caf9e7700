"""All messages that we sent the customer, over all channels: to be looked through, searched and printed."""

import re

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings.pages import words
from bookings.pages.views import customers_only
from notifications import outbox

MOST_SEARCH = 100  # characters
LARGEST_ID = 2**63 - 1
BOLD = re.compile(r"(?<!\S)\*([^*\n]+)\*(?!\S)")  # as WhatsApp marks it
COLUMNS = re.compile(r"(?<=:) {2,}")  # of a text that counts on letters of one width


@customers_only
@require_safe
@never_cache
def received(request: HttpRequest) -> HttpResponse:
    """The page. Addresses are masked: somebody else may look at this screen."""
    assert isinstance(request.user, User)  # noqa: S101  (customers_only)
    term = request.GET.get("q", "").replace("\x00", "").strip()[:MOST_SEARCH]
    page = outbox.received_by(request.user, search=term, before=_id(request.GET.get("before", "")))
    shown = [
        (each, words.of(each, error_code="words_held" if each.is_held else ""), as_read(each.channel, each.text))
        for each in page.messages
    ]
    return render(request, "pages/received.html", {"received": shown, "before": page.before, "term": term})


def as_read(channel: str, text: str) -> str:
    """The text as its channel shows it."""
    return COLUMNS.sub(" ", BOLD.sub(r"\1", text) if channel == "whatsapp" else text)


def _id(text: str) -> int | None:
    is_id = text.isdecimal() and len(text) <= len(str(LARGEST_ID)) and int(text) <= LARGEST_ID
    return int(text) if is_id else None
