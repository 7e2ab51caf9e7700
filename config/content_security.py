"""The Content-Security-Policy of every page: what a browser may load, and from where. Everything else it refuses.

No inline script, no inline style, nobody else's frames. Where a page needs more it stands in the table here, by the
page's name: the gateways' own forms on the order's page.
"""

from collections.abc import Callable

from csp.constants import NONE, SELF
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from bookings.checkouts import csp_sources

Sources = dict[str, list[str]]

DIRECTIVES: Sources = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
}


def checkout_sources() -> Sources:
    """What the forms of the configured gateways need together: an order is paid at the gateway it was opened at."""
    configured = {"razorpay": settings.RAZORPAY_KEY_ID, "stripe": settings.STRIPE_PUBLISHABLE_KEY}
    sources: Sources = {}
    for gateway, key in configured.items():
        for directive, origins in csp_sources(gateway).items() if key else ():
            sources.setdefault(directive, []).extend(origins)
    return sources


PAGES: dict[str, Callable[[], Sources]] = {"order-page": checkout_sources}


class ContentSecurity(CSPMiddleware):
    """Adds a page's own sources to the policy of all."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002  (theirs)
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        page = request.resolver_match.url_name if request.resolver_match else None
        if not report_only and page in PAGES:
            parts.update = {**(parts.update or {}), **PAGES[page]()}
        return parts
