"""What the HTTP itself can be made to say: framing, hosts, paths, cookies, methods."""

from typing import Any

import pytest
import requests

from tests.stage.browser import Browser, spoken

pytestmark = pytest.mark.django_db(transaction=True)

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


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO"])
def test_no_other_method_does_anything(web: str, method: str) -> None:
    for path in ("/", "/login/", "/api/slots/", "/static/bookings/pages.css"):
        heard = spoken(web, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert heard.split(b" ")[1] in {b"400", b"403", b"404", b"405"}, heard[:200]


@pytest.mark.parametrize("charset", ["utf-16", "nonsense", "utf-7"])
@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/admin/login/", "/webhooks/twilio/inbound/"]
)
def test_a_form_in_another_encoding_is_no_error_of_ours(web: str, path: str, charset: str) -> None:
    headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    answer = requests.post(web + path, data=b"username=a&password=b", headers=headers, timeout=60)

    assert answer.status_code in {400, 403, 415}, answer.text
