"""The project below a path, served by gunicorn behind nginx with SCRIPT_NAME=/app: nothing leads outside the path."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.deployment.conftest import ROOT
from tests.deployment.test_nginx import AROUND, NGINX, running
from tests.factories.bookings import SlotFactory
from tests.factories.codes import last_code
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.accounts import MAIL, SIGN_IN, SIGN_IN_CODE
from tests.stage.admin_forms import fields_of
from tests.stage.bouncer import free_port
from tests.stage.browser import PASSWORD, account
from tests.stage.web import running_web

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(NGINX is None, reason="nginx is missing"),
]
BELOW = "/app"
LEADS = re.compile(r'\b(?:href|src|action|formaction|data-now|data-address)="([^"]*)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[str]:
    """The address of the host that nginx serves; the project is at its /app/, and nothing else is anywhere."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    host = f"http://127.0.0.1:{port}"
    below = {"SCRIPT_NAME": BELOW, "PUBLIC_URL": host + BELOW, "DJANGO_PROXIES": "1", "DJANGO_DEBUG": "1"}
    with running_web(DATABASE_URL=database_url, **below) as web:
        text = (ROOT / "deploy" / "nginx" / "compose.conf").read_text()
        address = urlsplit(web).netloc
        for there, here in {
            "web:8000": address,
            "listen 8080": f"listen 127.0.0.1:{port}",
            "location / {": f"location {BELOW}/ {{",
        }.items():
            assert there in text
            text = text.replace(there, here)
        (folder / "bookings.conf").write_text(text)
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
        with running(Path(folder), port):
            yield host


def led_to(site: str, browser: requests.Session, *paths: str, pages: int) -> set[str]:
    """Every address of the site that these pages lead to, and those that they lead to, so many pages in all."""
    found, waiting, seen = set[str](), [*paths], set[str]()
    while waiting and len(seen) < pages:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        answer = browser.get(site + path, timeout=60)
        assert answer.status_code in (200, 405), (path, answer.status_code)  # 405: of a form, which is only posted to
        if "text/html" not in answer.headers["Content-Type"]:
            continue
        assert answer.url.startswith(f"{site}{BELOW}/"), answer.url
        for lead in LEADS.findall(answer.text):
            parts = urlsplit(urljoin(answer.url, unescape(lead)))
            if f"{parts.scheme}://{parts.netloc}" != site:
                continue
            found.add(parts.path)
            if parts.path.startswith(BELOW):
                waiting.append(parts.path)
    return found


def sent(browser: requests.Session, page: str, **given: str) -> requests.Response:
    """What is shown after the form of `page` was filled in and sent, wherever that leads."""
    form = fields_of(browser.get(page, timeout=60).text)
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    return browser.post(page, form | token | given, timeout=60)


def outside(found: set[str]) -> list[str]:
    return sorted(path for path in found if not f"{path}/".startswith(f"{BELOW}/"))


def test_a_customer_never_leaves_the_path(site: str) -> None:
    browser = requests.Session()
    account("ann")
    slot = SlotFactory()
    assert browser.get(f"{site}{BELOW}/bookings/", timeout=60).url.startswith(f"{site}{BELOW}/accounts/login/?next=")
    entered = sent(browser, f"{site}{BELOW}/accounts/login/", username="ann", password=PASSWORD)
    assert entered.url == f"{site}{BELOW}/"

    found = led_to(site, browser, f"{BELOW}/", f"{BELOW}/slots/{slot.pk}/", pages=25)

    assert outside(found) == []
    assert any(path.startswith(f"{BELOW}/static/") for path in found)


def test_staff_never_leave_the_path(site: str) -> None:
    account("boss", is_staff=True, is_superuser=True)
    message, browser = publish_one(RecipientFactory()), requests.Session()
    entered = sent(browser, f"{site}{BELOW}/admin/login/?next={BELOW}/admin/", username="boss", password=PASSWORD)
    assert entered.url == f"{site}{BELOW}/admin/"

    pages = (f"{BELOW}/admin/", f"{BELOW}/admin/outbox/", f"{BELOW}/admin/outbox/now/")
    message_page = f"{BELOW}/admin/notifications/outboxmessage/{message.pk}/change/"
    found = led_to(site, browser, *pages, message_page, pages=25)

    assert outside(found) == []


def test_who_asked_for_a_code_can_enter_it_below_a_path(site: str) -> None:
    """The browser keeps what it asked for in a cookie, for the pages about accounts alone."""
    account("ann")
    browser = requests.Session()
    asked = sent(browser, f"{site}{BELOW}{SIGN_IN}", address=MAIL)
    assert asked.url == f"{site}{BELOW}{SIGN_IN_CODE}"
    entered = sent(browser, asked.url, code=last_code())
    assert entered.url == f"{site}{BELOW}/"
    assert [cookie.path for cookie in browser.cookies if cookie.name == "access_code"] == []


def test_a_programs_addresses_are_below_the_path(site: str) -> None:
    schema = requests.get(f"{site}{BELOW}/api/schema/?format=json", timeout=60).json()
    servers = [urljoin(f"{site}/", server["url"]).rstrip("/") for server in schema.get("servers", [{"url": "/"}])]
    assert {server + path for server in servers for path in schema["paths"]} >= {f"{site}{BELOW}/api/slots/"}
