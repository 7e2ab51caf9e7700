"""Waiting for something to happen: an event or a condition with a limit, never a time."""

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], object], *, seconds: float = 60.0, pause: float = 0.005) -> None:
    """Return as soon as `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause)


def wait_for_page(page: Any, truth: str, *argument: Any, seconds: float = 30.0) -> None:
    """Return as soon as the expression of JavaScript `truth` holds in the browser's `page`.

    Playwright's own way evaluates text within the page, which a strict Content-Security-Policy forbids.
    """
    wait_until(lambda: page.evaluate(truth, *argument), seconds=seconds, pause=0.05)
