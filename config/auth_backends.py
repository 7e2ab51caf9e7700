"""Two doors: customers sign in at the pages and the API, staff at the admin. Neither opens for the other.

Each door has a backend of its own, and a session remembers its backend. So a customer's session never opens the admin,
not even when the customer has become staff since. At the customers' door a staff account's right password is refused
like a wrong one: nobody learns there which names are staff, or that a password was right.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher, make_password
from django.contrib.auth.models import User
from django.http import HttpRequest

from bookings import own_security
from config import second_factor
from config.password_hashing import turns

STAFF_DOOR = "staff"


class _PasswordBackend(ModelBackend):
    """Django's own, but for one thing: who signs in after the hashing was made stronger stays signed in elsewhere."""

    def find(self, username: str, password: str | None) -> User | None:
        """The account of this name and password, if it may come in here. Whatever is wrong takes as long."""
        user = User.objects.filter(username=username).first()
        if user is None or password is None:
            make_password(password or "")
            return None
        if not check_password(password, user.password) or not self.user_can_authenticate(user):
            return None
        if _is_outdated(user.password):
            own_security.strengthen_password(user, make_password(password))
        return user


def _is_outdated(stored: str) -> bool:
    """Whether PASSWORD_HASHERS would hash this password in another way today."""
    hasher, today = identify_hasher(stored), get_hasher()
    return bool(hasher.algorithm != today.algorithm or today.must_update(stored))


class CustomerBackend(_PasswordBackend):
    """Name and password, for everybody but staff."""

    def authenticate(  # type: ignore[override]  # no further credentials: those are for the other door
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None
    ) -> Any:
        if username is None:
            return None
        with turns.of(username):
            return self.find(username, password)

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and not user.is_staff


class StaffBackend(_PasswordBackend):
    """Name, password and, if the account has a second factor, its code. Whichever is wrong, the answer is the same."""

    def authenticate(  # type: ignore[override]  # the staff door alone passes `door`
        self, request: HttpRequest | None, username: str, password: str, door: str, code: str
    ) -> Any:
        with turns.of(username):
            user = self.find(username, password)
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
