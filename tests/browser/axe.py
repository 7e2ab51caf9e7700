"""What axe finds: the faults of a page that keep somebody from using it (WCAG)."""

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe

COLORS = ("color-contrast", "link-in-text-block")  # the rules whose findings differ between light and dark
END_TRANSITIONS = """document.getAnimations().forEach(
    each => each.effect.getComputedTiming().endTime === Infinity ? each.cancel() : each.finish())"""
RUN = "([part, options]) => axe.run(part ?? document, options).then(found => found.violations)"


def faults(page: Any, part: str | None = None, *, rules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Each fault of the page, or of the `part` of it that a selector names; with `rules`, against those alone."""
    if not page.evaluate("'axe' in window"):  # half a megabyte to be read
        page.evaluate(Axe().axe_script)
    options = {"preload": False, "resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    return [
        {"rule": rule["id"], "impact": rule["impact"], "where": [node["html"][:200] for node in rule["nodes"]]}
        for rule in page.evaluate(RUN, [part, options])
    ]


def paint(page: Any, scheme: str) -> None:
    """Show the page in the light or in the dark, and let its colors have changed: the admin's links take their time."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(END_TRANSITIONS)


def serious(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that shut somebody out."""
    return [fault for fault in found if fault["impact"] in {"serious", "critical"}]
