"""Starts what the demo needs: gateway, providers, web and relay, each a process with its own environment."""

import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from config.demo.processes import Child, Children, DidNotStart, kept_folder
from notifications.sandbox import AUTH_TOKEN
from notifications.sandbox.client import SandboxClient

READY_SECONDS = 60.0
SMS_FROM, WHATSAPP_FROM = "+14155550000", "+14155550001"


@dataclass(frozen=True, slots=True)
class Stage:
    """The addresses of what runs."""

    web: str
    gateway: str
    providers: SandboxClient
    environment: dict[str, str]  # of whatever else belongs to it


def set_up(
    children: Children, *, database_url: str, name: str, port: int, has_relay: bool = True, **settings: str
) -> Stage:
    """Start every process on the database `name`, and return when the web answers. Raises DidNotStart.

    `settings` are further ones, for all; without `has_relay` somebody else starts the relay.
    """
    ledger = kept_folder() / f"{name}.ledger"
    secret = _kept_secret(ledger.with_suffix(".secret"))
    gateway = children.start(
        "payment gateway",
        *("-m", "bookings.sandbox", "--port", "0", "--ledger", str(ledger)),
        SANDBOX_GATEWAY_SECRET=secret,
    )
    sandbox = children.start("providers", "-m", "notifications.sandbox", "--http-port", "0", "--smtp-port", "0")
    gateway_url = gateway.first_line()["url"]
    providers = SandboxClient(**sandbox.first_line())
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.demo.settings",
        "DJANGO_DEBUG": "1",
        "DATABASE_URL": database_url,
        "PAYMENT_GATEWAY": "sandbox",
        "SANDBOX_GATEWAY_URL": gateway_url,
        "SANDBOX_GATEWAY_SECRET": secret,
        "SMS_PROVIDER": "twilio",
        "WHATSAPP_PROVIDER": "twilio",
        "TWILIO_ACCOUNT_SID": providers.account_sid,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_API_URL": providers.http_url,
        "TWILIO_SMS_FROM": SMS_FROM,
        "TWILIO_WHATSAPP_FROM": WHATSAPP_FROM,
        "EMAIL_URL": providers.email_url,
        "OUTBOX_DEFERRAL_SECONDS": "0.5",
        "OUTBOX_BACKOFF_SECONDS": "0.5",  # short delays, so that retries happen within the demo
        "API_RATE_ANONYMOUS": "100000/min",  # the limits are not meant for fifty customers at one address
        "API_RATE_USER": "100000/min",
        "API_RATE_VERIFY": "100000/min",
        "API_RATE_TOKEN": "100000/min",
        **settings,
    }
    with _listening(port) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        environment.setdefault("PUBLIC_URL", address)  # links in messages lead there, and receipts come in there
        web = _start_web(children, environment, listening)
    providers.tell_statuses("sent")
    if has_relay:
        children.start("relay", "manage.py", "run_outbox_relay", **environment)
    _wait_until_ready(web, address)
    return Stage(address, gateway_url, providers, environment)


def start_schedules(children: Children, stage: Stage) -> None:
    """Start the scheduled work: holds lapse, refunds are made, reminders go out."""
    children.start("schedules", "manage.py", "qcluster", inherit=(), **stage.environment)


def _kept_secret(path: Path) -> str:
    """The gateway's secret, kept as long as its ledger, so that signatures of an earlier demo stay valid."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


def _listening(port: int) -> socket.socket:
    """Listen here and let gunicorn inherit the socket, so that no other process can take the port in between."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as error:
        raise DidNotStart(f"Port {port} is taken ({error.strerror}); choose another with --port.") from None


def _start_web(children: Children, environment: dict[str, str], listening: socket.socket) -> Child:
    return children.start(
        "web",
        *("-m", "gunicorn", "config.wsgi", "--bind", f"fd://{listening.fileno()}"),
        *("--workers", "2", "--threads", "4", "--log-level", "warning", "--no-control-socket"),
        inherit=(listening.fileno(),),
        **environment,
    )


def _wait_until_ready(web: Child, address: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        web.check()
        try:
            if requests.get(f"{address}/readyz", timeout=READY_SECONDS).ok:
                return
        except requests.RequestException as error:
            if time.monotonic() > until:
                raise DidNotStart(f"The web does not answer: {error}. {web.printed()}") from error
        time.sleep(0.1)
