"""Two doors: customers sign in at the pages and the API, staff at the admin. Neither opens for the other.

Each door has a backend of its own, and a session remembers its backend. So a customer's session never opens the admin,
not even when the customer has become staff since. At the customers' door a staff account's right password is refused
like a wrong one: nobody learns there which names are staff, or that a password was right.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from config import second_factor
from config.password_hashing import turns

STAFF_DOOR = "staff"


class CustomerBackend(ModelBackend):
    """Name and password, for everybody but staff."""

    def authenticate(  # type: ignore[override]  # no further credentials: those are for the other door
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None
    ) -> Any:
        if username is None:
            return None
        with turns.of(username):
            return super().authenticate(request, username=username, password=password)

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and not user.is_staff


class StaffBackend(ModelBackend):
    """Name, password and, if the account has a second factor, its code. Whichever is wrong, the answer is the same."""

    def authenticate(  # type: ignore[override]  # the staff door alone passes `door`
        self, request: HttpRequest | None, username: str, password: str, door: str, code: str
    ) -> Any:
        with turns.of(username):
            user: User | None = super().authenticate(request, username=username, password=password)
        if user is None or door != STAFF_DOOR:
            return None
        if second_factor.is_enrolled(user):
            device = second_factor.matching(user, code)
            if device is None:
                return None
            user.otp_device = device  # type: ignore[attr-defined]  # django-otp keeps it in the session
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(super().user_can_authenticate(user) and user.is_staff)
