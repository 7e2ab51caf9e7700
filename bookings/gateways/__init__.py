"""Payment gateways, by name; PAYMENT_GATEWAY chooses the one in use."""

from functools import cache

from django.conf import settings

from bookings.gateways.base import Gateway, GatewayOrder, GatewayPayment, PaymentState
from bookings.gateways.sandbox import SandboxGateway

__all__ = ["Gateway", "GatewayOrder", "GatewayPayment", "PaymentState", "gateway"]


def gateway() -> Gateway:
    """The gateway that PAYMENT_GATEWAY names; its connections are kept between calls."""
    if settings.PAYMENT_GATEWAY != "sandbox":
        raise ValueError(f"PAYMENT_GATEWAY is {settings.PAYMENT_GATEWAY!r}; known is: sandbox.")
    return _sandbox(
        settings.SANDBOX_GATEWAY_URL, settings.SANDBOX_GATEWAY_SECRET, settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS
    )


@cache
def _sandbox(url: str, secret: str, timeout: float) -> Gateway:
    return SandboxGateway(url, secret=secret, timeout=timeout)
