"""The settings of routes, from the environment: several providers for one channel (docs/routes.md)."""

from config import routes
from config.environment import env, number
from config.provider_settings import EMAIL_PROVIDERS, SMS_PROVIDERS, WHATSAPP_PROVIDERS

CHANNELS = ("sms", "whatsapp", "email")
CLASSES = {
    "sms": SMS_PROVIDERS,
    "whatsapp": WHATSAPP_PROVIDERS,
    "email": {provider or "smtp": path for provider, path in EMAIL_PROVIDERS.items()},
}

PRINTED_ROUTES = {name: "console" for name in CHANNELS if "console" in routes.providers(f"{name.upper()}_ROUTES")}
OUTBOX_ROUTES = {
    name: several for name in CHANNELS if (several := routes.from_environment(f"{name.upper()}_ROUTES", CLASSES[name]))
}
OUTBOX_ROUTE_PATIENCE_SECONDS = number("OUTBOX_ROUTE_PATIENCE_SECONDS")
OUTBOX_ROUTE_SLOW_SECONDS = number("OUTBOX_ROUTE_SLOW_SECONDS", least=0.1)
OUTBOX_ROUTE_RETURN_SECONDS = number("OUTBOX_ROUTE_RETURN_SECONDS", least=1)
OUTBOX_ASK_BEFORE_RESEND = env.bool("OUTBOX_ASK_BEFORE_RESEND", default=True)
OUTBOX_ASK_PRICES = env.bool("OUTBOX_ASK_PRICES", default=True)
# OUTBOX_RATE_SMS=50: messages a second, over all relays; 0: no limit
OUTBOX_RATES = {name: number(f"OUTBOX_RATE_{name.upper()}", default=0) for name in CHANNELS}
