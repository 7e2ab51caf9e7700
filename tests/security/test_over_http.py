"""Tries of an attacker over real HTTP, at one web with production settings that all tests of this file share."""

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User

from bookings.models import Order, Slot
from bookings.tokens import give_token
from notifications import outbox
from tests.factories.bookings import SlotFactory
from tests.stage.web import running_web

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long pass phrase"
A, N = "\uff41", "\uff4e"  # a and n, as wide as Chinese letters
ENOUGH = {"API_RATE_TOKEN": "100000/min", "PASSWORD_HASHES_AT_ONCE": "4"}


@pytest.fixture(scope="module")
def web(database_url: str) -> Iterator[str]:
    with running_web(DATABASE_URL=database_url, DJANGO_SETTINGS_MODULE="config.settings", **ENOUGH) as address:
        yield address


@pytest.fixture
def ann() -> User:
    return account("ann")


def account(name: str, **more: Any) -> User:
    quick = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    return User.objects.create(username=name, email=f"{name}@example.com", password=quick, **more)


class Browser:
    """Keeps its cookies itself: over plain HTTP no library would send those that are Secure."""

    def __init__(self, web: str) -> None:
        self.web, self.cookies = web, dict[str, str]()

    def ask(self, method: str, path: str, *, token: bool = True, **more: Any) -> requests.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if token and "__Host-csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["__Host-csrftoken"]
        headers |= more.pop("headers", {})
        with requests.Session() as session:
            answer = session.request(
                method, self.web + path, headers=headers, allow_redirects=False, timeout=60, **more
            )
        for cookie in answer.cookies:
            self.cookies[cookie.name] = cookie.value or ""
        return answer

    def sign_in(self, name: str = "ann", password: str = PASSWORD, address: str = "/login/") -> requests.Response:
        self.ask("GET", "/login/")
        return self.ask("POST", address, data={"username": name, "password": password})


@pytest.fixture
def browser(web: str) -> Browser:
    return Browser(web)


@pytest.fixture
def signed_in(browser: Browser, ann: User) -> Browser:
    assert browser.sign_in().status_code == 302
    return browser


@pytest.fixture
def api(web: str, ann: User) -> Any:
    """Asks the API as a program of ann's."""
    headers = {"Authorization": f"Token {give_token(ann)}"}

    def ask(method: str, path: str, **more: Any) -> requests.Response:
        more["headers"] = headers | more.get("headers", {})
        return requests.request(method, web + path, timeout=60, allow_redirects=False, **more)

    return ask


def spoken(web: str, said: bytes) -> bytes:
    """All that the web answers to these bytes."""
    parts = urlsplit(web)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        while more := connection.recv(65536):
            heard += more
    return heard


HIDDEN = b"GET /admin/ HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 60\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: -1\r\n",
        b"Content_Length: 3\r\nX: \n\nGET / HTTP/1.1\r\n",
    ],
)
def test_a_request_hides_in_no_other(web: str, framing: bytes) -> None:
    said = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n0\r\n\r\n" + HIDDEN

    assert spoken(web, said).count(b"Location: /admin/login/") == 0


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"])
def test_no_header_names_another_host_or_page(web: str, header: str) -> None:
    value = {"X-Original-URL": "/admin/", "X-Rewrite-URL": "/admin/", "Forwarded": "host=evil.example"}
    answer = requests.get(f"{web}/login/", headers={header: value.get(header, "evil.example")}, timeout=60)

    assert answer.status_code == (400 if header == "Host" else 200)
    assert "evil.example" not in answer.text
    assert "Django administration" not in answer.text


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
    "path",
    [
        "/static/../config/settings.py",
        "/static/%2e%2e/config/settings.py",
        "/static/..%2f..%2f.env",
        "/static/..%5c..%5c.env",
        "/static/%252e%252e/.env",
        "/static//etc/passwd",
        "/static/bookings/../../../manage.py",
        "/.env",
        "/.git/config",
        "/static/bookings/%00.css",
    ],
)
def test_static_files_lead_nowhere_else(web: str, path: str) -> None:
    heard = spoken(web, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())

    assert heard.split(b" ")[1] in {b"400", b"404"}
    assert b"SECRET" not in heard
    assert b"root:" not in heard


@pytest.mark.parametrize(
    "path", ["/bookings/", "/accounts/profile/", "/accounts/security/", "/api/me/", "/api/bookings/", "/orders/1/"]
)
def test_no_cache_keeps_what_is_one_customers(signed_in: Browser, path: str) -> None:
    answer = signed_in.ask("GET", path)
    kept = answer.headers.get("Cache-Control", "")

    assert "no-store" in kept or "private" in kept, answer.headers


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"slot": 1, "quantity": 1' + b"0" * 5000 + b"}",
        b'{"slot": 1, "quantity": NaN}',
        b'{"slot": 1e999, "quantity": 1}',
        b'{"slot": "\\ud800", "quantity": 1}',
        b'{"slot": "\\u0000", "quantity": 1}',
        b"\xff\xfe{\x00}\x00",
        b'[{"slot": 1}]',
        b'"slot"',
        b"null",
        b"",
    ],
)
def test_json_that_is_meant_to_hurt_is_a_400(api: Any, body: bytes) -> None:
    answer = api("POST", "/api/orders/", data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_nothing_is_decompressed(api: Any) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = api("POST", "/api/orders/", data=bomb, headers=headers)

    assert answer.status_code in {400, 415}
    assert answer.elapsed.total_seconds() < 10


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_the_api_takes_json_alone(api: Any, kind: str) -> None:
    """Which a form of another site cannot send."""
    assert api("POST", "/api/orders/", data=b"slot=1&quantity=1", headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize("quantity", [-1, 0, 101, 2**31, 2**63, 10**30, 1.5, True, None, "1; --", [1], {"a": 1}])
def test_a_quantity_is_a_small_whole_number(api: Any, quantity: object) -> None:
    answer = api("POST", "/api/orders/", json={"slot": SlotFactory().pk, "quantity": quantity})

    assert answer.status_code == 400, answer.text
    assert (Order.objects.count(), Slot.objects.get().seats_taken) == (0, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/api/slots/?page=99999999999999999999",
        "/api/slots/?page=-1",
        "/api/slots/?starts_after=%00",
        "/api/slots/99999999999999999999999/",
        "/slots/99999999999999999999999/",
        "/api/bookings/?status=%00",
        "/?%ff=%ff",
        "/%00",
        "/%ff%fe",
        "/login/?next=%00",
        "/webhooks/unsubscribe/%00/",
        "/webhooks/payments/%00/",
        "/admin/login/?next=%ff",
        "/admin/bookings/slot/99999999999999999999999/change/",
        "/accounts/security/?" + "a=1&" * 1500,
    ],
)
def test_no_address_is_an_error_of_ours(api: Any, signed_in: Browser, path: str) -> None:
    for answer in (api("GET", path), signed_in.ask("GET", path)):
        assert answer.status_code < 500, (path, answer.text[:300])


@pytest.mark.parametrize(
    "cookie",
    [
        "__Host-sessionid=",
        "__Host-sessionid=%00",
        "__Host-sessionid=" + "a" * 3000,
        "messages=x:y:z; __Host-csrftoken=é",
    ],
)
def test_no_cookie_is_an_error_of_ours(web: str, cookie: str) -> None:
    headers = {"Cookie": cookie.encode()}
    for path in ("/", "/login/", "/bookings/", "/api/me/", "/admin/"):
        answer = requests.get(web + path, headers=headers, timeout=60, allow_redirects=False)  # type: ignore[arg-type]
        assert answer.status_code < 500


@pytest.mark.parametrize(
    "name", ["ann\x00", "ann\u200b", "a\ud7ffnn", "ann" * 5000, "'; DROP TABLE auth_user; --", "%s"]
)
@pytest.mark.parametrize("door", ["/login/", "/admin/login/", "/api/auth/token/"])
def test_a_name_that_nobody_has_is_refused_like_any_other(browser: Browser, ann: User, name: str, door: str) -> None:
    browser.ask("GET", "/login/")
    given = {"username": name, "password": PASSWORD}
    body: dict[str, Any] = {"json": given} if door.startswith("/api/") else {"data": given}
    answer = browser.ask("POST", door, **body)

    assert answer.status_code in {200, 400}
    assert "__Host-sessionid" not in answer.cookies


@pytest.mark.parametrize("door", ["/login/", "/api/auth/token/"])
def test_another_spelling_of_a_name_gives_no_further_guesses(browser: Browser, ann: User, door: str) -> None:
    """The page takes fullwidth letters for plain ones."""
    browser.ask("GET", "/login/")
    statuses = []
    for name in ("ann", f"{A}nn", f"a{N}n", f"an{N}", f"{A}{N}n", f"{A}{N}{N}", "ann"):
        given = {"username": name, "password": "wrong"}
        body: dict[str, Any] = {"json": given} if door.startswith("/api/") else {"data": given}
        statuses.append(browser.ask("POST", door, **body).status_code)

    if door == "/login/":
        assert statuses[-1] == 429, statuses
    else:
        assert set(statuses) == {400}, "there each is another name, which nobody has"


def test_what_has_ended_does_not_come_back(signed_in: Browser, web: str, ann: User) -> None:
    """A session's cookie after signing out, and a token after a new password."""
    ann.refresh_from_db()  # the login has hashed the password anew
    kept, token = dict(signed_in.cookies), give_token(ann)
    assert signed_in.ask("POST", "/logout/").status_code == 302
    thief = Browser(web)
    thief.cookies = kept
    assert thief.ask("GET", "/bookings/").status_code == 302
    program = {"Authorization": f"Token {token}"}
    form = {"password": PASSWORD, "new_password": "another pass phrase"}
    changed = requests.post(f"{web}/api/me/password/", json=form, headers=program, timeout=60)
    assert changed.status_code == 200
    assert requests.get(f"{web}/api/me/", headers=program, timeout=60).status_code == 401


def test_a_token_is_taken_from_its_header_alone(web: str, ann: User) -> None:
    token = give_token(ann)
    for path in (f"/api/me/?token={token}", f"/api/me/?Authorization=Token+{token}"):
        assert requests.get(web + path, timeout=60).status_code == 401
    for said in (f"Bearer {token}", f"Token {token} {token}", "Token é", "Token"):
        answer = requests.get(f"{web}/api/me/", headers={"Authorization": said.encode()}, timeout=60)  # type: ignore[dict-item]
        assert answer.status_code == 401, said


def test_codes_are_guessed_a_few_times_at_most(api: Any) -> None:
    assert api("PATCH", "/api/me/", json={"phone": "+14155550199"}).status_code == 200
    statuses = [
        api("POST", "/api/me/confirm/", json={"field": "phone", "code": f"{number:06}"}).status_code
        for number in range(12)
    ]

    assert set(statuses) <= {400, 429}
    assert outbox.contact_of(User.objects.get()).phone != "+14155550199"


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\r\nBcc: b@x.org",
        "a@example.com\nX: y",
        "a@example.com,b@example.com",
        "<a@example.com>",
        "a",
    ],
)
def test_an_email_address_is_one_address(api: Any, email: str) -> None:
    assert api("PATCH", "/api/me/", json={"email": email}).status_code == 400


def test_markup_and_templates_in_a_title_are_text(api: Any, web: str) -> None:
    slot = SlotFactory(title="<script>alert(1)</script>{{ 7|add:7 }}{% debug %}")
    for page in (requests.get(f"{web}/", timeout=60).text, requests.get(f"{web}/slots/{slot.pk}/", timeout=60).text):
        assert "<script>alert" not in page
        assert "{{ 7|add:7 }}" in page
    assert api("GET", f"/api/slots/{slot.pk}/").headers["Content-Type"] == "application/json"


def test_another_customers_name_for_an_order_is_not_mine(web: str, api: Any) -> None:
    """An idempotency key belongs to its customer."""
    bob = {"Authorization": f"Token {give_token(account('bob'))}", "Idempotency-Key": "k1"}
    slot = SlotFactory()
    mine = api("POST", "/api/orders/", json={"slot": slot.pk, "quantity": 1}, headers={"Idempotency-Key": "k1"})
    theirs = requests.post(f"{web}/api/orders/", json={"slot": slot.pk, "quantity": 1}, headers=bob, timeout=60)

    assert mine.status_code == theirs.status_code == 503, "no gateway here: both were tried as new"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO"])
def test_no_other_method_does_anything(web: str, method: str) -> None:
    for path in ("/", "/login/", "/api/slots/", "/static/bookings/pages.css"):
        heard = spoken(web, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert heard.split(b" ")[1] in {b"400", b"403", b"404", b"405"}, heard[:200]


def test_whether_somebody_has_an_account_shows_in_no_answer(browser: Browser, ann: User) -> None:
    account("staff", is_staff=True)
    account("gone", is_active=False)
    answers = {
        browser.ask("POST", "/api/auth/token/", json={"username": name, "password": password}).text
        for name, password in (("ann", "wrong"), ("nobody", "wrong"), ("staff", PASSWORD), ("gone", PASSWORD))
    }

    assert len(answers) == 1, answers
    assert json.loads(answers.pop())["code"] == "invalid_input"


@pytest.mark.parametrize(
    "path", ["/webhooks/payments/sandbox/", "/webhooks/twilio/status/", "/webhooks/twilio/inbound/"]
)
@pytest.mark.parametrize("signature", ["", "0" * 64, "é", "sha256=" + "0" * 64])
def test_a_webhook_without_its_signature_is_refused(web: str, path: str, signature: str) -> None:
    headers = {name: signature.encode() for name in ("X-Signature", "X-Twilio-Signature", "Stripe-Signature")}
    for body in (b"{}", b"MessageSid=SM1&From=%2B1415&Body=START", b"\xff", b"["):
        answer = requests.post(web + path, data=body, headers=headers, timeout=60)  # type: ignore[arg-type]
        assert answer.status_code in {400, 403, 404, 415}, answer.text[:200]
