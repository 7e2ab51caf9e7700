"""One web with production's settings, its payment gateway, and who attacks it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from bookings.tokens import give_token
from tests.stage.browser import Browser, account, enrolled
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.web import running_web

ENOUGH = {"API_RATE_TOKEN": "100000/min", "PASSWORD_HASHES_AT_ONCE": "4"}


@pytest.fixture(scope="package")
def web(database_url: str, gateway_process: GatewayProcess) -> Iterator[str]:
    gateway = {"SANDBOX_GATEWAY_URL": gateway_process.url, "SANDBOX_GATEWAY_SECRET": SECRET}
    with running_web(DATABASE_URL=database_url, **ENOUGH, **gateway) as address:
        yield address


@pytest.fixture
def ann() -> User:
    return account("ann")


@pytest.fixture
def browser(web: str) -> Browser:
    return Browser(web)


@pytest.fixture
def signed_in(browser: Browser, ann: User) -> Browser:
    assert browser.sign_in().status_code == 302
    return browser


@pytest.fixture
def boss(web: str) -> Browser:
    """A superuser's browser, past the second factor."""
    user = account("boss", is_staff=True, is_superuser=True)
    enrolled(user)
    browser = Browser(web)
    browser.sign_in_as_staff(user)
    return browser


@pytest.fixture
def api(web: str, ann: User) -> Any:
    """Asks the API as a program of ann's."""
    return program(web, ann)


def program(web: str, user: User) -> Any:
    headers = {"Authorization": f"Token {give_token(user)}"}

    def ask(method: str, path: str, **more: Any) -> requests.Response:
        more["headers"] = headers | more.get("headers", {})
        return requests.request(method, web + path, timeout=60, allow_redirects=False, **more)

    return ask
