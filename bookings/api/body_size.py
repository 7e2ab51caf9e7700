"""Refuses bodies that are too large before anything reads them."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from bookings.api import problems
from bookings.pages import refusals

FOR_PROGRAMS = ("/api/", "/webhooks/", "/metrics")


class BodyLimit:
    """Middleware: 413 for a request that announces more than REQUEST_BODY_MAX_BYTES.

    It is a page for people, and a problem for programs. Under WSGI, a request without a Content-Length has no body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if announced.isdigit() and int(announced[:20]) > settings.REQUEST_BODY_MAX_BYTES:
            if not request.path_info.startswith(FOR_PROGRAMS):
                return refusals.too_large(request)
            most = settings.REQUEST_BODY_MAX_BYTES
            return problems.answer(
                413, code="body_too_large", detail=f"The request body may have at most {most} bytes."
            )
        return self._get_response(request)
