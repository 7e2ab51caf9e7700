"""No cache keeps an answer to somebody: what a browser's session or a program's token asks for is theirs alone."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class NotShared:
    """Middleware, within the one that serves static files: a view that says nothing of caches means none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        is_theirs = settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers
        if is_theirs and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response
