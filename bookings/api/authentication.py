"""Authenticates `Authorization: Token …`. The database stores only the tokens' digests."""

from typing import Any

from drf_spectacular.authentication import TokenScheme
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from bookings.staff_tokens import StaffToken, find_staff_token
from bookings.tokens import AccessToken, find_token

INVALID = "This token is not valid. Log in again."


class AccessTokenAuthentication(TokenAuthentication):
    """The REST framework's authentication, with our own lookup. The answer is the same for every invalid token."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The user and the token. Looked up once for each request: the limit on requests asks first, then the view."""
        known: dict[str, Any] = request._request.__dict__  # noqa: SLF001  (each of the two wraps the web's own request)
        if "authenticated_by_token" not in known:
            known["authenticated_by_token"] = super().authenticate(request)
        found: tuple[Any, Any] | None = known["authenticated_by_token"]
        return found

    def authenticate_credentials(self, key: str) -> tuple[Any, AccessToken]:
        found = find_token(key)
        if found is None:
            raise AuthenticationFailed(INVALID)
        return found.user, found


class StaffTokenAuthentication(TokenAuthentication):
    """The same for staff's tokens, which work on the staff API alone."""

    def authenticate_credentials(self, key: str) -> tuple[Any, StaffToken]:
        found = find_staff_token(key)
        if found is None:
            raise AuthenticationFailed(INVALID)
        return found.user, found


class StaffTokenScheme(TokenScheme):  # type: ignore[no-untyped-call]
    """How the API's document names staff's tokens, apart from customers'."""

    target_class = "bookings.api.authentication.StaffTokenAuthentication"
    name = "staffTokenAuth"
    priority = 1
