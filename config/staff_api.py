"""How the staff API knows its callers: by a staff token, or by a session that the admin would let in."""

from typing import Any

from django.contrib import admin
from drf_spectacular.authentication import SessionScheme
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request


class StaffSessionAuthentication(SessionAuthentication):
    """A session of the staff door, past its second factor. A customer's has no permission anyway."""

    def authenticate(self, request: Request) -> Any:
        known = super().authenticate(request)
        if known and known[0].is_staff and not admin.site.has_permission(request._request):  # noqa: SLF001
            raise PermissionDenied("Sign in to the admin with your second factor first.")
        return known


class StaffSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """How the API's document names such a session, apart from a customer's."""

    target_class = "config.staff_api.StaffSessionAuthentication"
    name = "staffCookieAuth"
    priority = 1
