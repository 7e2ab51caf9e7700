"""`Authorization: Token …`, by tokens of which the database knows the digest alone."""

from typing import Any

from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from bookings.tokens import AccessToken, find_token


class AccessTokenAuthentication(TokenAuthentication):
    """The REST framework's, but for where a token is looked up; whatever is wrong with one, the answer is the same."""

    def authenticate_credentials(self, key: str) -> tuple[Any, AccessToken]:
        found = find_token(key)
        if found is None:
            raise AuthenticationFailed("This token is not valid. Log in again.")
        return found.user, found
