"""The Content-Security-Policy of every page: what a browser may load, and from where. It refuses the rest.

No inline script, no inline style, no frames. A page that needs more is in the table here, by its name: the order's
page, for the gateways' own forms, and staff's pages that show an email in a frame.
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
    """The sources of all configured gateways' forms, because an order is paid at the gateway where it was opened."""
    configured = {"razorpay": settings.RAZORPAY_KEY_ID, "stripe": settings.STRIPE_PUBLISHABLE_KEY}
    sources: Sources = {}
    for gateway, key in configured.items():
        for directive, origins in csp_sources(gateway).items() if key else ():
            sources.setdefault(directive, []).extend(origins)
    return sources


def own_frames() -> Sources:
    """Frames of this site: an email's HTML, under a policy of its own."""
    return {"frame-src": [SELF]}


def own_worker() -> Sources:
    """The service worker, which shows notifications."""
    return {"worker-src": [SELF]}


PAGES: dict[str, Callable[[], Sources]] = {
    "order-page": checkout_sources,
    "profile-page": own_worker,
    "notifications_preview": own_frames,
    "notifications_outboxmessage_change": own_frames,
}


class ContentSecurity(CSPMiddleware):
    """Sets the common policy, plus the page's own sources."""

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
