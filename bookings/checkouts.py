"""What each gateway's own form needs in a customer's browser: its script, and origins for a Content-Security-Policy.

The one place that knows them. It imports nothing, so that settings can use it: `csp_sources("stripe")` are the sources
to add to a policy that allows 'self' and neither inline scripts nor inline styles. Our own scripts need no more.

Sources: docs.stripe.com/security/guide (content security policy); Razorpay publishes none, these are the ones that
razorpay.com/docs/payments/payment-gateway/web-integration/standard loads from.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HostedForm:
    """A gateway's script at `script`, which defines its form; `sources` by directive."""

    script: str
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)


FORMS = {
    "razorpay": HostedForm(
        script="https://checkout.razorpay.com/v1/checkout.js",
        sources={
            "script-src": ("https://checkout.razorpay.com",),
            "frame-src": ("https://api.razorpay.com", "https://checkout.razorpay.com"),
            "connect-src": ("https://api.razorpay.com", "https://lumberjack.razorpay.com"),
            "img-src": ("https://cdn.razorpay.com",),
        },
    ),
    "stripe": HostedForm(
        script="https://js.stripe.com/v3/",
        sources={
            "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
            "frame-src": ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
            "connect-src": ("https://api.stripe.com",),
        },
    ),
}


def csp_sources(gateway: str) -> dict[str, tuple[str, ...]]:
    """What the form of `gateway` adds to a policy, by directive; nothing for one without a form of its own."""
    return FORMS[gateway].sources if gateway in FORMS else {}
