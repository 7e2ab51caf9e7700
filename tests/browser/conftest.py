"""A real browser: the system's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import sync_playwright

from tests.browser.support import let_in

FOLDER = Path(__file__).parent
WHOLE_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A walk over many pages may take minutes where a slow processor draws them."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Chromium without a window; the test is skipped, and says so, where none is found.

    Without what surrounds its pages it takes two thirds of the time; a file that needs that too sets CHROMIUM. One for
    all tests of a file: to start it takes longer than most of them. What it remembers is a context's, and each test
    opens its own.
    """
    wanted = getattr(request.module, "CHROMIUM", ("chromium-headless-shell", *WHOLE_CHROMIUM))
    program = next(filter(None, map(shutil.which, wanted)), None)
    if program is None:
        pytest.skip("no browser: there is no Chromium on the PATH")
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as driver:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs an event loop in the test's thread
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """Chromium without what other tests have opened in it."""
    yield chromium
    for context in chromium.contexts:
        context.close()
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
        let_in(context, name, live_server.url)
        return page

    yield open_as
    for context in opened:
        context.close()
    assert "\n".join(wrong) == ""


def is_fault(said: Any) -> bool:
    """Whether the browser complains."""
    return bool(said.type == "error")
