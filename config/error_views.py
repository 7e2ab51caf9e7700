"""What a client gets when nobody expected the error."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from bookings.api import problems


def server_error(request: HttpRequest) -> HttpResponse:
    """A problem under /api/, Django's page elsewhere."""
    if request.path.startswith("/api/"):
        return problems.answer(500, code="internal_error", detail="Something went wrong on our side. It is on record.")
    return defaults.server_error(request)
