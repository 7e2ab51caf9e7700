"""An email's HTML on staff's pages, as people see it: by its pixels, at two widths, in the light and in the dark."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.browser.support import BY_EMAIL, an_email, let_in, path_of
from tests.factories.notifications import registered
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PREVIEW = "/admin/notifications/outboxmessage/preview/?kind=booking.confirmed"
COUNT = """async address => {
    const picture = new Image(); picture.src = address; await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.width; canvas.height = picture.height;
    const pen = canvas.getContext("2d"); pen.drawImage(picture, 0, 0);
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    let dark = 0, light = 0;
    for (let at = 0; at < pixels.length; at += 4) {
        const brightness = (pixels[at] + pixels[at + 1] + pixels[at + 2]) / 3;
        if (brightness < 110) dark++; else if (brightness > 230) light++;
    }
    return {dark: dark / (pixels.length / 4), light: light / (pixels.length / 4)};
}"""


def shades(browser: Any, picture: bytes) -> dict[str, float]:
    """Which parts of a picture are dark and light. A page of its own counts them: ours may load no such picture."""
    page = browser.new_page()
    found: dict[str, float] = page.evaluate(COUNT, "data:image/png;base64," + base64.b64encode(picture).decode())
    page.close()
    return found


def is_readable(browser: Any, picture: bytes) -> bool:
    """Whether words stand on paper. A page may be loaded before its frame is drawn."""
    words, paper = sorted(shades(browser, picture).values())
    return paper > 0.5 and words > 0.0003


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered(BY_EMAIL):
        yield


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_an_email_can_be_read_in_the_preview_and_on_its_messages_page(
    browser: Any, live_server: Any, width: int, scheme: Any
) -> None:
    cache.clear()
    User.objects.create_superuser("ann", "ann@example.com")
    page = browser.new_page(
        base_url=live_server.url,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=True,
    )
    let_in(page.context, "ann", live_server.url)
    for address in (PREVIEW, path_of(an_email())):
        page.goto(address, wait_until="load")
        wait_until(lambda: is_readable(browser, page.locator("iframe.outbox-email").screenshot()), pause=0.2)
    page.close()
