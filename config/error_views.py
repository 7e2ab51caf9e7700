"""What a client gets when nobody expected the error."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bookings.api import problems
from bookings.pages import refusals
from config.unavailable import answer_if_unavailable


def server_error(request: HttpRequest) -> HttpResponse:
    """A problem under /api/, a page of ours elsewhere; a 503 if the database is away."""
    if unavailable := answer_if_unavailable(request):
        return unavailable
    if request.path_info.startswith("/api/"):
        detail = "Something went wrong on our side. We have recorded it."
        return problems.answer(500, code="internal_error", detail=detail)
    return render(request, "pages/broken.html", status=500)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  (it may name what there is)
    """A problem under /api/, a page of ours elsewhere. It needs no database, and says nothing of other addresses."""
    if request.path_info.startswith("/api/"):
        return problems.answer(404, code="not_found", detail="There is nothing at this address.")
    return render(request, "pages/not_found.html", status=404)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  (the log has it)
    """For a form without the token that proves that it came from a page of ours."""
    return render(request, "pages/too_old.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  (the status says enough)
    """For a request that cannot be read. Django's own view reads it once more, and fails once more."""
    if request.path_info.startswith("/api/"):
        return problems.answer(400, code="invalid_input", detail="This request cannot be read.")
    return refusals.unreadable(request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  (it may name what there is)
    """A problem under /api/, a page of ours elsewhere."""
    if request.path_info.startswith("/api/"):
        return problems.answer(403, code="permission_denied", detail="You may not do this.")
    return refusals.forbidden(request)
