"""How the staff API knows its callers: by a staff token, or by a session that the admin would let in."""

from typing import Any

from django.contrib import admin
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class StaffSessionAuthentication(SessionAuthentication):
    """A session of the staff door, past its second factor. Any other is nobody's here."""

    def authenticate(self, request: Request) -> Any:
        known = super().authenticate(request)
        return known if known and admin.site.has_permission(request._request) else None  # noqa: SLF001
