"""What a browser may load with our pages: nothing inline, nothing from elsewhere, in nobody else's frame."""

from pathlib import Path

import pytest
from django.test import Client, override_settings

from bookings.checkouts import csp_sources
from config.content_security import checkout_sources

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLIC = ["/", "/login/", "/admin/login/", "/api/docs/", "/api/slots/", "/api/nowhere/", "/nowhere/", "/healthz"]


@pytest.mark.parametrize("address", PUBLIC)
def test_every_answer_carries_the_policy(address: str) -> None:
    policy = Client().get(address)["Content-Security-Policy"]

    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["form-action"] == "'self'"
    assert "unsafe" not in policy
    assert "*" not in policy


def test_only_an_orders_page_lets_a_gateways_form_in_and_only_one_that_is_configured() -> None:
    assert checkout_sources() == {}
    with override_settings(STRIPE_PUBLISHABLE_KEY="pk_1"):
        assert {name: tuple(origins) for name, origins in checkout_sources().items()} == csp_sources("stripe")
        assert "stripe" not in Client().get("/")["Content-Security-Policy"]
    with override_settings(STRIPE_PUBLISHABLE_KEY="pk_1", RAZORPAY_KEY_ID="rzp_1"):
        assert len(checkout_sources()["script-src"]) == 3


def test_no_template_or_script_of_ours_needs_anything_inline() -> None:
    templates = [path for app in ("bookings", "notifications") for path in (ROOT / app / "templates").rglob("*.html")]
    pages = [path for path in templates if not is_email(path)]
    assert len(pages) > 10
    for path in pages:
        text = path.read_text()
        assert not any(inline in text for inline in (" style=", "<style", "<script>", " onclick=", "javascript:")), path


def is_email(path: Path) -> bool:
    return "templates/notifications" in str(path) and path.name != "unsubscribe.html"
