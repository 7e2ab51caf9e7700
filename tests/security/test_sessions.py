"""Sessions and forms: what a browser sends by itself is never enough to change something."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long pass phrase"
EXEMPT = {  # views that need no CSRF token, and who vouches instead
    "bookings.webhooks.payments": "the gateway's signature",
    "notifications.webhooks.twilio": "Twilio's signature",
    "notifications.webhooks": "the provider's signature or password",
    "anymail": "the provider's signature or password",
    "notifications.recipients.unsubscribe_view": "a signed link, for one-click unsubscribing (RFC 8058)",
    "bookings.api.problems.not_found": "it does nothing",
    "rest_framework": "a token, or the REST framework's own check of the session",
    "drf_spectacular": "it only reads",
    "bookings.api.accounts": "a code that its owner has read: no session counts there, and none is made",
    "bookings.api.guests": "codes that the owner of the addresses has read: no session counts there, and none is made",
    "bookings.api.own_security": "a token, or the REST framework's own check of the session",
    "bookings.api.views": "a token, or the REST framework's own check of the session",
    "notifications.api": "a token, or the REST framework's own check of the session",
}


@pytest.fixture(autouse=True)
def ann() -> User:
    cache.clear()
    return User.objects.create_user("ann", "ann@example.com", PASSWORD)


def signed_in(client: Client, **more: str) -> Any:
    return client.post("/login/", {"username": "ann", "password": PASSWORD, **more})


def views(patterns: list[URLPattern | URLResolver]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback


def test_every_view_that_needs_no_csrf_token_says_who_vouches_instead() -> None:
    exempt = {
        f"{view.__module__}.{getattr(view, '__qualname__', '')}"
        for view in views(get_resolver().url_patterns)
        if getattr(view, "csrf_exempt", False)
    }
    assert exempt
    assert [name for name in exempt if not name.startswith(tuple(EXEMPT))] == []


@pytest.mark.parametrize(
    "address",
    [
        *("/login/", "/logout/", "/bookings/1/cancel/", "/orders/1/pay/", "/admin/login/"),
        *("/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/", "/accounts/close/"),
    ],
)
def test_a_form_without_its_token_is_refused(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())

    assert client.post(address, {"username": "ann", "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize(
    "address", ["/api/orders/", "/api/bookings/1/cancel/", "/api/payments/verify/", "/api/me/close/"]
)
def test_the_api_asks_a_session_for_the_token_too(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())

    answer = client.post(address, "{}", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_a_session_that_somebody_planted_is_not_the_one_after_the_login() -> None:
    client = Client()
    client.get("/login/")
    planted = client.session
    planted["theirs"] = "planted"
    planted.save()

    signed_in(client)

    assert client.session.session_key != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()


def test_signing_out_ends_the_session_on_the_server_and_takes_more_than_a_link() -> None:
    client = Client()
    signed_in(client)
    stolen = client.cookies["sessionid"].value

    assert client.get("/logout/").headers["Location"] == "/"
    client.post("/logout/")

    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/bookings/").status_code == 302


def test_a_new_password_ends_all_sessions_that_knew_the_old_one(ann: User) -> None:
    client = Client()
    signed_in(client)
    assert client.get("/bookings/").status_code == 200

    ann.set_password("another pass phrase")
    ann.save()

    assert client.get("/bookings/").status_code == 302


def test_the_cookie_is_kept_from_scripts_and_from_other_sites() -> None:
    cookie = signed_in(Client()).cookies["sessionid"]

    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 12 * 3600)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_login_leads_nowhere_else(elsewhere: str) -> None:
    answer = signed_in(Client(), next=elsewhere)

    assert answer["Location"] == "/"
