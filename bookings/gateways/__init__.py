"""Payment gateways, by name; PAYMENT_GATEWAY chooses the one that new orders use."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from bookings.gateways.base import (
    EventKind,
    Gateway,
    GatewayEvent,
    GatewayOrder,
    GatewayPayment,
    GatewayRefund,
    PaymentState,
    RefundState,
    UnreadableEvent,
)

__all__ = [
    "RAZORPAY",
    "SANDBOX",
    "STRIPE",
    "EventKind",
    "Gateway",
    "GatewayEvent",
    "GatewayOrder",
    "GatewayPayment",
    "GatewayRefund",
    "PaymentState",
    "RefundState",
    "UnknownGateway",
    "UnreadableEvent",
    "gateway",
]

# The names by which orders remember them. Their clients are imported when they are asked for: Stripe's library alone
# takes a fifth of a second.
SANDBOX, RAZORPAY, STRIPE = "sandbox", "razorpay", "stripe"

# Where each client lives, and which setting each of its arguments comes from.
GATEWAYS = {
    SANDBOX: (
        "bookings.gateways.sandbox.SandboxGateway",
        {"url": "SANDBOX_GATEWAY_URL", "secret": "SANDBOX_GATEWAY_SECRET"},
    ),
    RAZORPAY: (
        "bookings.gateways.razorpay.RazorpayGateway",
        {
            "url": "RAZORPAY_API_URL",
            "key_id": "RAZORPAY_KEY_ID",
            "key_secret": "RAZORPAY_KEY_SECRET",
            "webhook_secret": "RAZORPAY_WEBHOOK_SECRET",
        },
    ),
    STRIPE: (
        "bookings.gateways.stripe.StripeGateway",
        {"url": "STRIPE_API_URL", "secret_key": "STRIPE_SECRET_KEY", "webhook_secret": "STRIPE_WEBHOOK_SECRET"},
    ),
}
FOR_EVENTS = "webhook_secret"  # who gets no webhooks needs none: without it every event is refused


class UnknownGateway(LookupError):
    """No gateway has this name, or its secrets are not set."""


def gateway(name: str = "") -> Gateway:
    """The gateway `name`, or the one that PAYMENT_GATEWAY chooses; its connections are kept between calls.

    Orders remember their gateway: after PAYMENT_GATEWAY has changed, those that are under way are still settled where
    they began, as long as its secrets are set. Raises UnknownGateway.
    """
    wanted = name or settings.PAYMENT_GATEWAY
    if wanted not in GATEWAYS:
        raise UnknownGateway(f"There is no payment gateway {wanted!r}; known are: {', '.join(GATEWAYS)}.")
    path, names = GATEWAYS[wanted]
    arguments = {argument: getattr(settings, setting) for argument, setting in names.items()}
    if missing := [names[argument] for argument in names if argument != FOR_EVENTS and not arguments[argument]]:
        raise UnknownGateway(f"The payment gateway {wanted} needs {', '.join(missing)} to be set.")
    return _connected(path, timeout=settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS, **arguments)


@cache
def _connected(path: str, **arguments: str | float) -> Gateway:
    client: Gateway = import_string(path)(**arguments)
    return client
