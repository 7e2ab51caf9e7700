"""The limit at every door: pages, admin, API and webhooks, by user for who is signed in, and by network for the rest.

What is counted by network is what a stranger can ask for. Whoever is signed in counts for themselves alone, so that a
shared address is nobody's fault. Passwords are tried and set by network too, whoever is signed in: each costs a slow
hash. So are codes, which are messages and cost money: a network gets only some in an hour. Health checks are not
counted, because an orchestrator would take a 429 for a dead process.
"""

import math
import re
from collections.abc import Callable, Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from bookings.api import problems
from bookings.api.authentication import AccessTokenAuthentication, StaffTokenAuthentication
from config.client_address import address_of
from config.rates import counter
from config.unavailable import answer, is_for_a_program
from notifications.protocol.database_errors import is_not_now

UNCOUNTED = frozenset({"/healthz", "/readyz"})
WEBHOOKS, FOR_PEOPLE = "/webhooks/", "/webhooks/unsubscribe/"
STAFF_API = "/api/staff/"
PASSWORDS = re.compile(
    r"/(?:login|token|signup|guest|codes?|password|password_change|second-factor|security|reset|close)/"
)
CODES = re.compile(
    r"/accounts/(?:signup|guest|login/code|password/reset)/|/api/accounts/codes/"
)  # each sends a message
PAYMENTS = re.compile(r"/api/payments/verify/|/orders/[0-9]+/(?:pay|paid)/")


class Throttling:
    """Middleware, after the one that knows the user: 429 with Retry-After for too many requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _refusal(request) or self._get_response(request)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    try:
        for name, who in _counted(request):
            if wait := counter.seconds_to_wait(f"{name} {who}", settings.RATES[name]):
                return _too_many(request, seconds=math.ceil(wait))
    except Exception as error:
        if is_not_now(error):  # who it is stands in the database
            return answer(request)
        raise
    return None


def _counted(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """The names of the rates that the request counts towards, each with whom it counts for."""
    path, network = request.path_info, address_of(request) or "unknown"
    if path in UNCOUNTED:
        return
    if path.startswith(WEBHOOKS) and not path.startswith(FOR_PEOPLE):
        yield "webhook", network
        return
    is_writing = request.method not in ("GET", "HEAD", "OPTIONS")
    if is_writing and PASSWORDS.search(path):
        yield "login", network
        if CODES.fullmatch(path):
            yield "code", network
    elif (user := _user_of(request)) is None:
        yield "anonymous", network
    else:
        yield "user", user
        if is_writing and PAYMENTS.fullmatch(path):
            yield "verify", user


def _user_of(request: HttpRequest) -> str | None:
    """The ID of who is signed in, by a token or a session that holds; None for everybody else."""
    is_for_staff = request.path_info.startswith(STAFF_API)
    by_token = StaffTokenAuthentication() if is_for_staff else AccessTokenAuthentication()
    asked = Request(request, authenticators=[by_token])
    try:  # asked.user would make the token's owner the user of the web's own request, and open pages to tokens
        found = [authenticator.authenticate(asked) for authenticator in asked.authenticators or ()]
    except APIException:  # no token of ours: the view says so
        return None
    for user, _ in filter(None, found):
        return str(user.pk)
    if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        return str(request.user.pk)
    return None


def _too_many(request: HttpRequest, *, seconds: int) -> HttpResponse:
    if is_for_a_program(request):
        detail = f"Too many requests. Try again in {seconds} seconds."
        refused: HttpResponse = problems.answer(429, code="throttled", detail=detail)
    else:
        refused = render(request, "pages/too_many.html", {"seconds": seconds}, status=429)
    refused["Retry-After"] = str(seconds)
    refused["Cache-Control"] = "no-store"
    return refused
