"""The signed cookie in which a browser keeps which code it asked for, between the two pages that need it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from bookings import access_codes
from bookings.access_codes import Asked, Purpose
from bookings.errors import InvalidCode

NAME = "access_code"


def asked(request: HttpRequest, purpose: Purpose) -> Asked | None:
    """What this browser asked for; None if nothing, or something else."""
    try:
        return Asked.of(request.COOKIES.get(NAME, ""), purpose=purpose)
    except InvalidCode:
        return None


def remember(response: HttpResponse, asked: Asked) -> HttpResponse:
    """Have the browser keep it."""
    response.set_cookie(
        NAME,
        asked.signed(),
        max_age=access_codes.MOST_SECONDS,
        path=_path(),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """Have the browser forget it."""
    response.delete_cookie(NAME, path=_path(), samesite="Lax")
    return response


def _path() -> str:
    """Of all pages about accounts, as the browser has it: with the path that the project is mounted at."""
    return reverse("login-page").removesuffix("login/")
