"""The answer while the database is away or read-only: 503 with Retry-After, at every door.

A problem of the code `unavailable` for programs, and for people a page that says what to do and tries again by itself.
Neither touches the database.
"""

import logging
import sys
from collections.abc import Callable

from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from bookings.api import problems
from notifications.protocol.database_errors import is_not_now

logger = logging.getLogger(__name__)

CODE = "unavailable"
RETRY_AFTER_SECONDS = 5
API = "/api/"
FOR_PROGRAMS = (API, "/webhooks/", "/metrics")
# Forms that may be sent twice and count once: the page sends them again by itself.
REPEATABLE = frozenset({"slot-page", "pay-page", "paid-page", "cancel-page", "cancel-by-link"})


class Unavailable:
    """Middleware, the innermost: it answers for a view whose database is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return answer(request) if is_not_now(error) else None


def answer_if_unavailable(request: HttpRequest) -> HttpResponse | None:
    """For an error handler: the answer, if it was called because the database is away.

    This covers middleware as well, as when a session cannot be saved.
    """
    return answer(request) if is_not_now(sys.exc_info()[1]) else None


@sensitive_variables("fields")
def answer(request: HttpRequest) -> HttpResponse:
    """503. Nothing was written, or it is unknown whether it was; sending the same request again is safe."""
    logger.error("The database is not available: %s %s", request.method, request.path)
    _let_go_of_connections()
    if is_for_a_program(request):
        detail = "The database is not available at the moment. Please send the same request again."
        refused: HttpResponse = problems.answer(503, code=CODE, detail=detail)
    else:
        fields = _fields_to_repeat(request)
        context = {"fields": fields, "is_repeatable": bool(fields), "seconds": RETRY_AFTER_SECONDS}
        context["is_safe"] = request.method in ("GET", "HEAD")
        with translation.override(translation.get_language_from_request(request)):  # a profile cannot be read now
            refused = render(request, "pages/unavailable.html", context, status=503)
    refused["Retry-After"] = str(RETRY_AFTER_SECONDS)
    refused["Cache-Control"] = "no-store"
    return refused


def is_for_a_program(request: HttpRequest) -> bool:
    """By the address; a browser that follows a link to /webhooks/, as to unsubscribe, says that it wants a page."""
    wants_a_page = "text/html" in request.headers.get("Accept", "")
    return request.path_info.startswith(API if wants_a_page else FOR_PROGRAMS)


def _fields_to_repeat(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form that may be sent again holds; nothing of any other, which may hold a password."""
    try:
        is_repeatable = request.method == "POST" and resolve(request.path_info).url_name in REPEATABLE
    except Resolver404:
        is_repeatable = False
    if not is_repeatable:
        return []
    return [(name, value) for name, values in request.POST.lists() for value in values]


def _let_go_of_connections() -> None:
    """A kept connection may lead to a server that has become a standby; the next request makes a new one."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
