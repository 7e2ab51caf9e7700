"""Authenticates `Authorization: Token …`. The database stores only the tokens' digests."""

from typing import Any

from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from bookings.tokens import AccessToken, find_token


class AccessTokenAuthentication(TokenAuthentication):
    """The REST framework's authentication, with our own lookup. The answer is the same for every invalid token."""

    def authenticate_credentials(self, key: str) -> tuple[Any, AccessToken]:
        found = find_token(key)
        if found is None:
            raise AuthenticationFailed("This token is not valid. Log in again.")
        return found.user, found
