"""How customers come in by themselves: the pages' addresses, and what Ann enters."""

from django.contrib.auth import SESSION_KEY
from django.test import Client

from tests.factories.codes import last_code

SIGN_UP, SIGN_UP_CODE = "/accounts/signup/", "/accounts/signup/code/"
SIGN_IN, SIGN_IN_CODE = "/accounts/login/code/", "/accounts/login/code/enter/"
RESET, RESET_CODE = "/accounts/password/reset/", "/accounts/password/reset/code/"
MAIL, PHONE = "ann@example.com", "+14155550199"
PASSWORD, NEW = "a long pass phrase", "another pass phrase"


def me(**more: str) -> dict[str, str]:
    """The form that makes the account."""
    return {"code": last_code(), "name": "Ann", "password": PASSWORD} | more


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session
