"""The live board in a real browser: it lives, survives an outage, and can be read by anybody on anything."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from pytest_django import Settings

from notifications.clock.run import Clock
from notifications.models import Relay
from notifications.models.audit import OperatorAction
from tests.browser.axe import COLORS, faults, paint, serious
from tests.browser.support import let_in
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.scene import busy_day
from tests.stage.relay import RecordingChannel, running_loop
from tests.stage.waiting import wait_for_page, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SCREENSHOTS = os.environ.get("SCREENSHOTS", "")  # a folder: the pages are photographed into it
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}


@pytest.fixture
def opened(browser: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages for a signed-in superuser; fails on a script's error, and where the policy had to step in."""
    cache.clear()
    User.objects.create_superuser("ann", "ann@example.com")
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_page(address: str = "/admin/outbox/", *, size: str = "desktop", **options: Any) -> Any:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        let_in(context, "ann", live_server.url)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def photograph(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def test_it_shows_what_happens_without_a_reload(opened: Callable[..., Any]) -> None:
    page = opened()
    page.evaluate("window.isTheSamePage = true")
    assert "No relay is running" in page.inner_text("#told"), "read aloud"
    Clock("default").tick()
    with running_loop(RecordingChannel()):
        publish_one(RecipientFactory())
        wait_for_page(page, "document.querySelector('#totals').innerText.includes('1 in the hour')")
        wait_for_page(page, "document.querySelector('#told').innerText === 'All is well.'")
        assert page.locator("#relays tbody tr").count() == 1
    wait_for_page(page, "document.querySelector('#told').innerText.includes('No relay is running')")
    assert page.evaluate("window.isTheSamePage")


def test_it_says_when_it_has_lost_contact_and_when_it_is_back(opened: Callable[..., Any]) -> None:
    page = opened()
    page.route("**/admin/outbox/now/", lambda route: route.abort())
    page.wait_for_selector("text=No contact since", timeout=15_000)
    assert "No contact since" in page.inner_text("#told")
    page.unroute("**/admin/outbox/now/")
    page.click("#refresh")
    page.wait_for_selector("text=Updates every")
    page.context.clear_cookies()
    page.click("#refresh")
    page.wait_for_selector("text=You are signed out")


def test_it_rests_while_nobody_looks(opened: Callable[..., Any]) -> None:
    page = opened()
    page.clock.install()
    page.reload()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/now/" in request.url else None)
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    change = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true" + change)
    page.clock.run_for(60_000)
    assert asked == []
    with page.expect_response("**/admin/outbox/now/"):
        page.evaluate(hide % "false" + change)
    assert len(asked) == 1
    with page.expect_response("**/admin/outbox/now/"):
        page.clock.run_for(60_000)


def test_the_keyboard_keeps_its_place_when_the_figures_change(opened: Callable[..., Any]) -> None:
    busy_day()
    page = opened()
    page.focus("#failures tbody a.outbox-button")
    focused = page.evaluate("document.activeElement.id")
    before = page.inner_text("#as-of")
    page.evaluate("document.querySelector('#refresh').click()")
    wait_for_page(page, "before => document.querySelector('#as-of').innerText !== before", before)
    assert page.evaluate("document.activeElement.id") == focused


def test_a_relay_is_stopped_from_the_board(opened: Callable[..., Any]) -> None:
    with running_loop(RecordingChannel()):
        wait_until(Relay.objects.exists)
        page = opened()
        page.click("#relays >> text=Stop")
        page.fill("#id_reason", "new release")
        page.click("text=Stop relay >> nth=-1")
        page.wait_for_selector("text=is told to stop")
        page.wait_for_selector("text=None is running", timeout=15_000)
    assert OperatorAction.objects.get().action == "stop"


def test_a_route_is_paused_and_a_channel_moved_from_the_board(opened: Callable[..., Any], settings: Settings) -> None:
    settings.OUTBOX_ROUTES = {"sms": {"twilio": {"share": 80}, "backup": {"share": 20}}}
    pages = {size: opened(size=size) for size in SIZES}
    for size, link, said in (
        ("phone", "pause-sms:twilio", "Sms:twilio is paused."),
        ("phone", "move-sms:backup", "Sms is moved to backup."),
        ("desktop", "move-back-sms", "Sms is moved back."),
    ):
        page = pages[size]
        page.goto("/admin/outbox/")
        page.click(f"[id='{link}']")
        page.fill("#id_reason", "its prices rise")
        page.click("input[type=submit].default")
        page.wait_for_selector(f"text={said}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the screen"
    page.goto("/admin/outbox/")
    assert page.inner_text("#routes tbody tr >> nth=0").split()[:2] == ["sms:twilio", "paused"]
    assert serious(faults(page, "#routes")) == []
    photograph(page, "routes-desktop")
    verbs = OperatorAction.objects.order_by("pk").values_list("action", "reason")
    assert list(verbs) == [(verb, "its prices rise") for verb in ("pause", "move", "move_back")]


def test_without_javascript_every_figure_is_there(opened: Callable[..., Any]) -> None:
    busy_day()
    page = opened(java_script_enabled=False)
    assert page.inner_text("#failures tbody tr >> nth=0").startswith("twilio_30008")
    assert "Reloads every 15 seconds" in page.inner_text("#contact")
    assert page.locator("noscript meta[http-equiv=refresh], head meta[http-equiv=refresh]").count() == 1
    with page.expect_navigation():
        page.click("#refresh")


def test_it_can_be_read_by_anybody_on_anything(opened: Callable[..., Any]) -> None:
    busy_day()
    for size in SIZES:
        page = opened(size=size)
        photograph(page, f"board-{size}-light")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the screen"
        assert serious(faults(page)) == []
        paint(page, "dark")
        photograph(page, f"board-{size}-dark")
        assert faults(page, rules=COLORS) == []
        paint(page, "light")
        if size == "desktop":
            assert faults(page, "#content-main") == [], "what is ours has not even a small one"
