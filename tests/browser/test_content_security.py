"""Our pages in a real browser under the Content-Security-Policy that they are served with."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.browser.support import an_email
from tests.factories.notifications import RecipientFactory, publish_one

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = "Content Security Policy"  # in what Chromium then says

PAGES = [
    "/",
    "/bookings/",
    "/api/docs/",
    "/admin/",
    "/admin/outbox/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/auth/user/{user}/change/",
    "/admin/auth/user/{user}/password/",
    "/admin/second-factor/",
    "/admin/bookings/stafftoken/add/",
    "/accounts/security/",
    "/admin/bookings/slot/add/",
    "/admin/notifications/outboxmessage/",
    "/admin/notifications/outboxmessage/{message}/change/",
    "/admin/notifications/outboxmessage/{email}/change/",
    "/admin/notifications/outboxmessage/preview/?kind=booking.confirmed",
    "/admin/notifications/channelstate/",
    "/admin/password_change/",
]


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """A superuser's page; the test fails on whatever the policy had to refuse, and on any script's error."""
    cache.clear()
    User.objects.create_superuser("ann", "ann@example.com", "a pass phrase")
    opened = browser.new_page(base_url=live_server.url)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(f"{opened.url}: {error}"))
    opened.on("console", lambda said: wrong.append(f"{opened.url}: {said.text}") if REFUSED in said.text else None)
    opened.goto("/admin/login/?next=/")
    opened.fill("#id_username", "ann")
    opened.fill("#id_password", "a pass phrase")
    opened.click("[type=submit]")
    opened.wait_for_url("**/")
    yield opened
    opened.close()
    assert wrong == []


def test_the_pages_need_nothing_that_the_policy_refuses(page: Any) -> None:
    message, by_email = publish_one(RecipientFactory()), an_email()
    for address in PAGES:
        ids = {"user": User.objects.get(username="ann").pk, "message": message.pk, "email": by_email.pk}
        answer = page.goto(address.format(**ids))
        assert answer.status == 200, address
        if address == "/api/docs/":
            page.wait_for_selector("#operations-tag-bookings, .opblock", timeout=30_000)


def test_the_policy_is_in_force(browser: Any, live_server: Any) -> None:
    page = browser.new_page(base_url=live_server.url)
    page.goto("/")
    page.evaluate("""() => {
        window.refused = new Promise(tell => document.addEventListener('securitypolicyviolation', tell));
        const script = document.createElement('script');
        script.textContent = 'window.isHurt = true';
        document.body.append(script);
    }""")

    assert page.evaluate("window.refused.then(event => event.effectiveDirective)") == "script-src-elem"
    assert page.evaluate("window.isHurt") is None
    page.close()
