"""Slows down whoever guesses passwords, at every way in: the page, the admin, and `POST /api/auth/token/`.

django-axes counts failures by name and address together: a stranger can lock nobody else out, and whether a name exists
makes no difference. What it leaves to others: guesses at one name from many addresses, and at many names from one
address; `config.throttling` limits those by network.
"""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bookings.api import problems

logger = logging.getLogger(__name__)

MOST_NAME = 150  # characters: no longer name exists


def name_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The name that is tried, as short as names can be: a longer one would not fit into the record."""
    given = credentials if credentials is not None else request.POST
    return str(given.get("username") or "")[:MOST_NAME]


def refuse(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The answer to a login that is locked: 429, with Retry-After."""
    minutes = settings.LOGIN_LOCK_MINUTES
    logger.warning("A login was refused after too many failures.")  # whose, stands in the record of failures
    if request.path_info.startswith("/api/"):
        detail = f"Too many logins have failed. Try again in {minutes} minutes."
        refused: HttpResponse = problems.answer(429, code="throttled", detail=detail)
    else:
        refused = render(request, "pages/locked.html", {"minutes": minutes}, status=429)
    refused["Retry-After"] = str(minutes * 60)
    return refused
