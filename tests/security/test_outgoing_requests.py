"""Whom we call is decided by those who run this, never by who uses it: no address comes from a request or a row."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent.parent
CALLERS = {  # whatever can open a connection, and to whom
    "bookings/gateways/http.py": "the payment gateway, from the settings",
    "bookings/gateways/stripe.py": "the payment gateway, from the settings",
    "bookings/gateways/stripe_client.py": "nobody itself: Stripe's library asks by our transport",
    "bookings/pages/checkout.py": "the sandbox gateway, from the settings",
    "notifications/channels/email.py": "the mail server, from the settings",
    "notifications/channels/esp.py": "the email service provider, from the settings",
    "notifications/channels/mailers.py": "the mail server of Django's settings",
    "notifications/channels/smtp_connections.py": "the mail server, from the settings",
    "notifications/channels/smtp_dialogue.py": "the mail server, on the connection that is open",
    "notifications/channels/twilio.py": "Twilio, from the settings",
    "notifications/channels/twilio_client.py": "Twilio, from the settings",
    "notifications/channels/twilio_message_log.py": "Twilio, from the settings",
    "notifications/monitoring/notifiers.py": "the on-call's webhook, from the settings",
    "notifications/monitoring/systemd.py": "systemd's socket, from its environment",
    "notifications/protocol/silence.py": "the database's server, at the address of the connection that is open",
    "notifications/relay/lease.py": "nobody: it asks for this host's name",
    "notifications/relay/listen.py": "nobody: a pair of sockets wakes its own thread",
    "notifications/relay/life_signs.py": "its own relays, by a socket on this machine",
    "notifications/relay/supervisor.py": "its own relays' metrics, on this machine",
    "notifications/transport/deadline.py": "for gateways, channels and alerts: connects to what they name",
    "notifications/transport/exchange.py": "for the same, on the socket that they have opened",
    "notifications/transport/http.py": "for gateways, channels and alerts: connects to what they name",
    "notifications/transport/quiet.py": "nobody: it looks at a socket that is open",
}
APART = {"sandbox", "demo", "embedded"}  # run by developers, on their own machines
# A browser says itself where its push service is: only services of a list are taken, and posted to (policy/push.py).
OF_A_LIST = {"notifications.PushSubscription.endpoint"}
SHOWN = {"bookings.Slot.map_url"}  # to people, as a link; nothing here follows it
OPENING = {"requests", "stripe", "urllib.request", "urllib3", "http.client", "httpx", "aiohttp", "socket", "smtplib"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return {name for name in found if name in OPENING or name.split(".")[0] in OPENING}


def test_nothing_else_can_open_a_connection() -> None:
    """Something new that can fails here until CALLERS says to whom."""
    files = [path for room in ("bookings", "notifications", "config") for path in (ROOT / room).rglob("*.py")]
    calling = {
        str(path.relative_to(ROOT))
        for path in files
        if not APART & set(path.relative_to(ROOT).parts) and imported(path)
    }

    assert calling == set(CALLERS)


def test_no_address_is_kept_in_a_row() -> None:
    """Nothing that somebody could write into the database is ever called: no model has a URL, but to be shown, or at
    a service of a list.
    """
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if f"{model._meta.label}.{field.name}" in SHOWN | OF_A_LIST:
                continue
            assert not isinstance(field, models.URLField), field
            assert not {"url", "endpoint"} & set(field.name.split("_")), field


@pytest.mark.parametrize("path", CALLERS)
def test_no_caller_follows_a_redirect(path: str) -> None:
    assert "allow_redirects=True" not in (ROOT / path).read_text()
