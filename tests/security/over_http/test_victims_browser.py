"""What another site, a link, a cache or a frame can do with a customer's browser."""

import pytest
import requests
from django.contrib.auth.models import User

from bookings.models import Order
from tests.stage.browser import PASSWORD, Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "where",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https:///evil.example",
        "javascript:alert(1)",
        "http://localhost@evil.example/",
        "/%09/evil.example",
        "\t//evil.example",
    ],
)
@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_a_login_redirects_to_no_other_site(browser: Browser, ann: User, door: str, where: str) -> None:
    browser.ask("GET", "/login/")
    path = requests.Request("GET", "http://x" + door, params={"next": where}).prepare().path_url
    answer = browser.ask("POST", path, data={"username": "ann", "password": PASSWORD, "next": where})

    assert answer.headers.get("Location", "/") in {"/", "/%09/evil.example", "/admin/"}


POSTS = [
    "/slots/1/",
    "/orders/1/pay/",
    "/orders/1/paid/",
    "/bookings/1/cancel/",
    "/accounts/profile/",
    "/accounts/security/",
    "/accounts/security/browsers/1/end/",
    "/accounts/security/tokens/1/end/",
    "/accounts/signup/",
    "/accounts/signup/code/",
    "/accounts/password/reset/",
    "/accounts/password/reset/code/",
    "/accounts/login/",
    "/login/",
    "/logout/",
    "/admin/login/",
    "/api/orders/",
    "/api/payments/verify/",
    "/api/bookings/1/cancel/",
    "/api/me/confirm/",
    "/api/me/password/",
]


@pytest.mark.parametrize("path", POSTS)
def test_another_site_posts_nothing(signed_in: Browser, path: str) -> None:
    """Without the token; and with one, but from another origin."""
    body = {"json": {}} if path.startswith("/api/") else {"data": {"password": PASSWORD}}
    elsewhere = {"Origin": "https://evil.example"}

    assert signed_in.ask("POST", path, token=False, **body).status_code == 403
    assert signed_in.ask("POST", path, headers=elsewhere, **body).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/me/", "/api/me/browsers/1/", "/api/me/programs/1/"])
def test_nor_changes_it_anything_by_other_methods(signed_in: Browser, method: str, path: str) -> None:
    assert signed_in.ask(method, path, token=False, json={}).status_code in {403, 405}


@pytest.mark.parametrize("path", POSTS)
def test_a_link_changes_nothing(signed_in: Browser, path: str) -> None:
    """By GET, whatever it says of another method."""
    for more in ({"X-HTTP-Method-Override": "POST"}, {"X-Method-Override": "DELETE"}):
        answer = signed_in.ask("GET", f"{path}?_method=POST&quantity=1&everywhere=1", headers=more)
        assert answer.status_code in {200, 302, 404, 405}
    assert signed_in.ask("GET", "/accounts/security/").status_code == 200, "still signed in"
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    "path", ["/bookings/", "/accounts/profile/", "/accounts/security/", "/api/me/", "/api/bookings/", "/orders/1/"]
)
def test_no_cache_keeps_what_is_one_customers(signed_in: Browser, path: str) -> None:
    answer = signed_in.ask("GET", path)
    kept = answer.headers.get("Cache-Control", "")

    assert "no-store" in kept or "private" in kept, answer.headers
