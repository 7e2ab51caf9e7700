"""Notifications in a real browser: permission after a click alone, the worker under our policy, and what it shows.

Chromium's own push service is Google's, and cannot be reached from here: its answers to `subscribe` are the sandbox's,
and the push comes by the DevTools protocol (`ServiceWorker.deliverPushMessage`).
"""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from notifications.models import PushSubscription
from notifications.sandbox.client import SandboxClient
from tests.browser.conftest import WHOLE_CHROMIUM
from tests.factories.bookings import CustomerFactory
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
CHROMIUM = WHOLE_CHROMIUM  # the smaller one shows no notifications

# What stands for Google's service in the page: it keeps a subscription as a browser does, and asks for permission.
SERVICE = """(() => {
    window.asked = 0;
    let kept = null;
    PushManager.prototype.subscribe = async function (options) {
        window.asked += 1;
        window.askedWith = Array.from(options.applicationServerKey);
        if (await Notification.requestPermission() !== 'granted') throw new Error('denied');
        const told = TOLD;
        kept = {endpoint: told.endpoint, toJSON: () => told, unsubscribe: async () => { kept = null; return true; }};
        return kept;
    };
    PushManager.prototype.getSubscription = async () => kept;
})()"""

SHOWN = """navigator.serviceWorker.ready.then((ready) => ready.getNotifications()).then((all) =>
    all.map((each) => [each.title, each.body, each.tag]))"""


def test_a_click_switches_them_on_and_off_and_the_worker_shows_what_comes(
    browser: Any, live_server: Any, providers: SandboxClient, settings: Settings
) -> None:
    settings.OUTBOX_CHANNELS = {**settings.OUTBOX_CHANNELS, "webpush": "notifications.channels.webpush.WebPushChannel"}
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_SERVICES = "BP4z", [providers.http_url]
    client, customer = Client(), CustomerFactory()
    client.force_login(customer)
    context = browser.new_context(base_url=live_server.url)
    context.grant_permissions(["notifications"], origin=live_server.url)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.add_init_script(SERVICE.replace("TOLD", json.dumps(providers.sign_up_browser())))
    page.goto("/accounts/profile/")
    page.get_by_text("This browser shows no notifications.").wait_for()
    assert page.evaluate("window.asked") == 0, "permission is asked for by a click alone"

    page.get_by_role("button", name="Show notifications in this browser").click()
    page.get_by_text("This browser shows our messages as notifications.").wait_for()
    assert page.evaluate("window.askedWith") == [4, 254, 51]
    assert PushSubscription.objects.get().recipient.user_id == customer.pk

    shown = _pushed(context, page, live_server.url, {"title": "Moved", "body": "18:00", "tag": "outbox-7"})
    assert shown == ["Moved", "18:00", "outbox-7"]

    page.get_by_role("button", name="Show none in this browser any more").click()
    page.get_by_text("This browser shows no notifications.").wait_for()
    assert not PushSubscription.objects.exists()
    assert [said for said in wrong if "favicon" not in said] == []


def _pushed(context: Any, page: Any, origin: str, told: dict[str, str]) -> list[str]:
    """What the browser shows of a push message."""
    protocol = context.new_cdp_session(page)
    registrations: list[str] = []
    protocol.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(each["registrationId"] for each in event["registrations"]),
    )
    protocol.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wait_until(lambda: page.evaluate("1") and registrations, pause=0.05)  # what is evaluated lets the events come in
    protocol.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": registrations[0], "data": json.dumps(told)},
    )
    shown: list[list[str]] = []  # wait_for_function takes a promise for the truth, whatever it will hold
    wait_until(lambda: shown.extend(page.evaluate(SHOWN)) or shown, pause=0.05)
    return shown[0]
