"""How the providers' stand-ins behave during a campaign: as usual, or in one of the plan's moods."""

from typing import Any

from notifications.sandbox.client import SandboxClient
from tests.chaos.plan import HANG_SECONDS

USUAL_SECONDS = 0.03  # what a provider takes to answer; without it no two calls could overlap
HTTP: dict[str, dict[str, Any]] = {
    "refusing": {"status": 500, "delay": USUAL_SECONDS},
    "throttling": {"status": 429, "code": 20429, "retry_after": "1"},
    "hanging": {"delay": HANG_SECONDS, "accept": False, "reset": True},
    "swallowing": {"delay": HANG_SECONDS, "accept": True},  # takes the message, and never says so
    "mumbling": {"status": 503, "accept": True, "delay": USUAL_SECONDS},  # takes it, and says that it did not
    "resetting": {"reset": True, "accept": True, "delay": USUAL_SECONDS},
    "down": {"status": 503},
}
SMTP: dict[str, dict[str, Any]] = {
    "refusing": {"smtp": 451},
    "throttling": {"smtp": 421, "at": "mail"},
    "hanging": {"delay": HANG_SECONDS, "accept": False, "reset": True},
    "swallowing": {"delay": HANG_SECONDS, "accept": True},
    "mumbling": {"reset": True, "accept": True},  # a mail server that answers 451 has not taken it (RFC 5321)
    "resetting": {"reset": True, "accept": True, "delay": USUAL_SECONDS},
    "down": {"smtp": 421, "at": "mail"},
}


def calm(providers: SandboxClient) -> None:
    """As usual, all of them."""
    providers.up()
    providers.clear_rules()
    providers.add_rule(delay=USUAL_SECONDS)


def be(providers: SandboxClient, *, channel: str, mood: str) -> None:
    """`mood` is a word of the plan, the share of the messages that meet it, and a seed for which: "refusing:0.3:7"."""
    word, share, seed = mood.split(":")
    answer = (SMTP if channel == "email" else HTTP)[word]
    providers.clear_rules()
    providers.add_rule(channel=channel, probability=float(share), seed=int(seed), **answer)
    providers.add_rule(delay=USUAL_SECONDS)
