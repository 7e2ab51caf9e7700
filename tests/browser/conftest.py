"""A real browser: the system's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import sync_playwright

from tests.browser.support import PASSWORD


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Chromium without a window; the test is skipped, and says so, where none is found."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no browser: there is no Chromium on the PATH")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs an event loop in the test's thread
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()
        connections.close_all()  # those that Django opened beside the loop, and would not find again without it


WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


@pytest.fixture
def open_page(browser: Any, live_server: Any) -> Any:
    """Opens pages as a member of staff; the test fails on any error of a script, and on anything that does not load."""
    opened: list[Any] = []
    wrong: list[str] = []

    def open_as(
        name: str, *, size: str = "desktop", scheme: str = "light", is_scripted: bool = True, is_driven: bool = True
    ) -> Any:
        context = browser.new_context(
            viewport=WIDTHS[size], base_url=live_server.url, java_script_enabled=is_scripted, color_scheme=scheme
        )
        page = context.new_page()
        if not is_driven:  # a bulk replay stays where it is
            page.route("**/progress.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        opened.append(context)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on(
            "console", lambda said: wrong.append(f"{page.url}: {said.text} {said.location}") if is_fault(said) else None
        )
        page.goto("/admin/login/?next=/admin/")
        page.fill("#id_username", name)
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        return page

    yield open_as
    for context in opened:
        context.close()
    assert "\n".join(wrong) == ""


def is_fault(said: Any) -> bool:
    """Whether the browser complains; of the icon that it asks every site for, it may."""
    return bool(said.type == "error" and not said.location["url"].endswith("/favicon.ico"))
