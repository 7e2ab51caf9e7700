"""Slows down whoever guesses passwords, at every way in: the page, the admin, and `POST /api/auth/token/`.

django-axes counts failures by name and address together: a stranger can lock nobody else out, and whether a name exists
makes no difference. What it leaves to others: guesses at one name from many addresses, and at many names from one
address; the proxy in front and the API's rates limit those.
"""

import ipaddress
import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from bookings.api import problems

logger = logging.getLogger(__name__)

MOST_NAME = 150  # characters: no longer name exists
IPV6_NETWORK = 64  # bits: whoever has one IPv6 address has all of its network


def address_of(request: HttpRequest) -> str | None:
    """The client's address, as far as it can be believed: DJANGO_PROXIES says how much of X-Forwarded-For can.

    The same as the API's rates are counted by, but of an IPv6 address the network.
    """
    for claimed in (BaseThrottle().get_ident(Request(request)), request.META.get("REMOTE_ADDR", "")):
        try:
            address = ipaddress.ip_address(claimed)
        except ValueError:
            continue
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((int(address), IPV6_NETWORK), strict=False).network_address)
    return None


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
