"""What production must not do unless somebody permits it by name: book without payment, print instead of sending."""

from collections.abc import Collection, Mapping

from config.environment import require

REAL = ("twilio", "vonage", "sinch", "meta", "resend", "anymail")  # providers, by their names
PUBLIC_SANDBOX_SECRET = "sandbox-gateway-secret"  # noqa: S105  (development's, and python -m bookings.sandbox's)


def require_real_gateway(name: str, *, secret: str, unpaid: bool, debug: bool) -> None:
    """Refuse the sandbox unless `unpaid` bookings are permitted, and in production the secret that everybody knows."""
    require(
        unpaid or name != "sandbox",
        unmet="PAYMENT_GATEWAY is sandbox, where nobody pays (ALLOW_UNPAID_BOOKINGS=1 permits it)",
    )
    require(debug or secret != PUBLIC_SANDBOX_SECRET, unmet="SANDBOX_GATEWAY_SECRET is the one that everybody knows")


def require_real_providers(providers: Mapping[str, str], *, printed: Collection[str]) -> None:
    """Refuse each channel that no provider carries, unless its messages may be `printed`.

    `providers` has the provider of each channel: a name, or EMAIL_URL. An empty one is refused as missing elsewhere.
    """
    for channel, provider in providers.items():
        is_sent = provider in ("", *REAL) or provider.startswith("smtp")
        require(
            is_sent or channel in printed,
            unmet=f"messages by {channel} would be printed, not sent (ALLOW_PRINTED_MESSAGES={channel} permits it)",
        )
