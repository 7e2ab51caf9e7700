"""What a client gets when nobody expected the error."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from bookings.api import problems
from config.unavailable import answer_if_unavailable


def server_error(request: HttpRequest) -> HttpResponse:
    """A problem under /api/ and /webhooks/, Django's page elsewhere; a 503 if the database is away."""
    if unavailable := answer_if_unavailable(request):
        return unavailable
    if request.path_info.startswith("/api/"):
        detail = "Something went wrong on our side. We have recorded it."
        return problems.answer(500, code="internal_error", detail=detail)
    return defaults.server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  (the status says enough)
    """For a request that cannot be read. Django's own view reads it once more, and fails once more."""
    if request.path_info.startswith("/api/"):
        return problems.answer(400, code="invalid_input", detail="This request cannot be read.")
    return HttpResponse("<h1>Bad Request (400)</h1>", status=400)
