"""The providers of a campaign: two stand-ins, which have a route of each channel each, and how they behave: as usual,
or in one of the plan's moods.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from notifications import sandbox
from notifications.policy.routes import channel_of
from notifications.sandbox.client import Received, SandboxClient
from tests.chaos.plan import (
    HANG_SECONDS,
    PATIENCE_SECONDS,
    RETURN_SECONDS,
    ROUTES,
    SEND_TIMEOUT_SECONDS,
    SLOW_SECONDS,
)

USUAL_SECONDS = 0.03  # what a provider takes to answer; without it no two calls could overlap
HTTP: dict[str, dict[str, Any]] = {
    "refusing": {"status": 500, "delay": USUAL_SECONDS},
    "throttling": {"status": 429, "code": 20429, "retry_after": "1"},
    "unauthorized": {"status": 401, "code": 20003},
    "slow": {"delay": 0.6 * SEND_TIMEOUT_SECONDS},
    "hanging": {"delay": HANG_SECONDS, "accept": False, "reset": True},
    "swallowing": {"delay": HANG_SECONDS, "accept": True},  # takes the message, and never says so
    "mumbling": {"status": 503, "accept": True, "delay": USUAL_SECONDS},  # takes it, and says that it did not
    "resetting": {"reset": True, "accept": True, "delay": USUAL_SECONDS},
    "down": {"status": 503},
}
SMTP: dict[str, dict[str, Any]] = {
    "refusing": {"smtp": 451},
    "throttling": {"smtp": 421, "at": "mail"},
    "unauthorized": {"smtp": 421, "at": "mail"},  # the stand-in asks for no password
    "slow": {"delay": 0.6 * SEND_TIMEOUT_SECONDS},
    "hanging": {"delay": HANG_SECONDS, "accept": False, "reset": True},
    "swallowing": {"delay": HANG_SECONDS, "accept": True},
    "mumbling": {"reset": True, "accept": True},  # a mail server that answers 451 has not taken it (RFC 5321)
    "resetting": {"reset": True, "accept": True, "delay": USUAL_SECONDS},
    "down": {"smtp": 421, "at": "mail"},
}


# By provider: the setting that says where it is, and which stand-in it is a part of.
PLACES = {
    "twilio": ("TWILIO_API_URL", 0),
    "smtp": ("EMAIL_URL", 0),
    "vonage": ("VONAGE_API_URL", 1),
    "meta": ("WHATSAPP_API_URL", 1),
    "resend": ("RESEND_API_URL", 1),
}
SETTINGS = {
    "SMS_PROVIDER": "twilio",
    "WHATSAPP_PROVIDER": "twilio",
    "SMS_ROUTES": "twilio?share=60,vonage?share=40",
    "WHATSAPP_ROUTES": "twilio,meta",  # without shares: the second only stands in
    "EMAIL_ROUTES": "smtp?share=60,resend?share=40",
    "OUTBOX_ROUTE_PATIENCE_SECONDS": str(PATIENCE_SECONDS),
    "OUTBOX_ROUTE_SLOW_SECONDS": str(SLOW_SECONDS),
    "OUTBOX_ROUTE_RETURN_SECONDS": str(RETURN_SECONDS),
    "TWILIO_ACCOUNT_SID": sandbox.ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": sandbox.AUTH_TOKEN,
    "TWILIO_SMS_FROM": "+14155550000",
    "TWILIO_WHATSAPP_FROM": "+14155550001",
    "VONAGE_API_KEY": sandbox.VONAGE_KEY,
    "VONAGE_API_SECRET": sandbox.VONAGE_SECRET,
    "VONAGE_SIGNATURE_SECRET": sandbox.VONAGE_SIGNATURE_SECRET,
    "VONAGE_SMS_FROM": "+14155550002",
    "WHATSAPP_PHONE_NUMBER_ID": sandbox.META_NUMBER_ID,
    "WHATSAPP_ACCESS_TOKEN": sandbox.META_TOKEN,
    "WHATSAPP_APP_SECRET": sandbox.META_APP_SECRET,
    "WHATSAPP_VERIFY_TOKEN": "the campaign's",
    "RESEND_API_KEY": sandbox.RESEND_KEY,
    "RESEND_WEBHOOK_SECRET": sandbox.RESEND_WEBHOOK_SECRET,
}

# For a campaign in which only providers fail: what relays have without settings, and routes without shares.
USUAL = {
    "SMS_ROUTES": "twilio,vonage",
    "WHATSAPP_ROUTES": "twilio,meta",
    "EMAIL_ROUTES": "resend,smtp",
    "OUTBOX_ROUTE_PATIENCE_SECONDS": "30",
    "OUTBOX_ROUTE_SLOW_SECONDS": "5",
    "OUTBOX_ROUTE_RETURN_SECONDS": "300",
    "OUTBOX_BACKOFF_SECONDS": "10",
    "OUTBOX_BACKOFF_MAX_SECONDS": "600",
    "OUTBOX_LEASE_SECONDS": "60",
    "OUTBOX_SEND_TIMEOUT_SECONDS": "15",
}


class Rule(NamedTuple):
    """How the provider of the route `key` answers a share of its messages (notifications.sandbox.rules.Answer)."""

    key: str
    answer: Mapping[str, Any]
    share: float = 1.0
    seed: int = 0


class Providers:
    """Both stand-ins. A route is called by its key: `sms:vonage` is a route of the second."""

    def __init__(self, *stands: SandboxClient) -> None:
        self.stands = stands
        self._of = {
            f"{channel}:{route}": stand
            for channel, routes in ROUTES.items()
            for route, stand in zip(routes, stands, strict=True)
        }

    def messages(self) -> list[tuple[str, Received]]:
        """All that was received, refused or not, in order of time, each with its route."""
        found = [
            (ROUTES[each.channel][place], each) for place, stand in enumerate(self.stands) for each in stand.messages()
        ]
        return sorted(found, key=lambda pair: pair[1].received_at)

    def calm(self) -> None:
        """As usual, all of them."""
        self.answer()

    def be(self, key: str, mood: str) -> None:
        """`mood` is a word of the plan, the share of the route's messages that meet it, and a seed for which of them:
        "refusing:0.3:7".
        """
        word, share, seed = mood.split(":")
        answer = (SMTP if key == "email:smtp" else HTTP)[word]
        self.answer(Rule(key, answer, float(share), int(seed)))

    def answer(self, *rules: Rule) -> None:
        """Let providers answer by these rules alone, of which the first that fits decides; others answer as usual."""
        for stand in self.stands:
            stand.up()
            stand.clear_rules()
        for key, answer, share, seed in rules:
            self._of[key].add_rule(channel=channel_of(key), probability=share, seed=seed, **answer)
        for stand in self.stands:
            stand.add_rule(delay=USUAL_SECONDS)

    def down(self) -> None:
        """All of them, until `calm`."""
        for stand in self.stands:
            stand.down()

    def set_prices(self, *, after: float) -> None:
        for stand in self.stands:
            stand.set_prices(after=after)

    def addresses(self) -> dict[str, str]:
        """Each provider's host and port."""
        return {provider: self._url(provider).partition("://")[2] for provider in PLACES}

    def environment(self) -> dict[str, str]:
        """The settings of all of them."""
        return SETTINGS | {setting: self._url(provider) for provider, (setting, _) in PLACES.items()}

    def _url(self, provider: str) -> str:
        stand = self.stands[PLACES[provider][1]]
        return stand.email_url if provider == "smtp" else stand.http_url

    def doors(self) -> list[dict[str, str]]:
        """How each stand-in is reached by another process's SandboxClient."""
        return [
            {"http_url": each.http_url, "email_url": each.email_url, "account_sid": each.account_sid}
            for each in self.stands
        ]

    def close(self) -> None:
        for stand in self.stands:
            stand.close()


def behind(port: Callable[[str], int]) -> dict[str, str]:
    """The settings that say where each provider is, behind ports of this machine: `port` knows them by provider."""
    return {
        setting: f"{'smtp' if provider == 'smtp' else 'http'}://127.0.0.1:{port(provider)}"
        for provider, (setting, _) in PLACES.items()
    }
