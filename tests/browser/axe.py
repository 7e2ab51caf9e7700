"""What axe finds: the faults of a page that keep somebody from using it (WCAG)."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe


def faults(page: Any, part: str | None = None) -> list[dict[str, Any]]:
    """Each fault of the page, or of the `part` of it that a selector names."""
    options = {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(page, context=part, options=options).response["violations"]
    return [
        {"rule": rule["id"], "impact": rule["impact"], "where": [node["html"][:200] for node in rule["nodes"]]}
        for rule in found
    ]


def serious(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that shut somebody out."""
    return [fault for fault in found if fault["impact"] in {"serious", "critical"}]
