"""Without DJANGO_DEBUG everything is closed unless somebody opens it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from config.production import PUBLIC_SANDBOX_SECRET

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = {
    "DJANGO_SECRET_KEY": "x" * 60,
    "DJANGO_ALLOWED_HOSTS": "bookings.example.com",
    "PUBLIC_URL": "https://bookings.example.com",
    "PAYMENT_GATEWAY": "stripe",
    "STRIPE_SECRET_KEY": "a-secret",
    "STRIPE_WEBHOOK_SECRET": "a-secret",
    "SMS_PROVIDER": "twilio",
    "WHATSAPP_PROVIDER": "twilio",
    "TWILIO_ACCOUNT_SID": "a-sid",
    "TWILIO_AUTH_TOKEN": "a-secret",
    "TWILIO_SMS_FROM": "+14155550000",
    "TWILIO_WHATSAPP_FROM": "+14155550001",
    "EMAIL_URL": "smtp://localhost:25",
    "DATABASE_URL": "postgresql://user:password@localhost/bookings",
}
TOLD = """
import json
from config import settings
print(json.dumps({name: value for name, value in vars(settings).items() if name.isupper()}, default=str))
"""


def started(
    environment: dict[str, str], *, code: str = TOLD, command: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """The `command`, or `code`, as it ended in production with this environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "EMAIL_", "PUBLIC_"))}
    return subprocess.run(
        [sys.executable, *(command or ("-c", code))],
        cwd=ROOT,
        env=clean | {"DJANGO_DEBUG": "0"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    ended = started(NEEDED)
    assert ended.returncode == 0, ended.stderr
    settings: dict[str, Any] = json.loads(ended.stdout)
    return settings


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["bookings.example.com"],
        "CSRF_TRUSTED_ORIGINS": [],
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "SESSION_COOKIE_AGE": 12 * 3600,
        "WHITENOISE_USE_FINDERS": False,
        "LOG_FORMAT": "json",
    }.items(),
)
def test_what_production_begins_with(production: dict[str, Any], name: str, value: object) -> None:
    assert production[name] == value


@pytest.mark.parametrize(
    "name",
    ["DJANGO_SECRET_KEY", "PAYMENT_GATEWAY", "STRIPE_SECRET_KEY", "SMS_PROVIDER", "WHATSAPP_PROVIDER", "EMAIL_URL"],
)
def test_no_secret_and_no_provider_has_a_default(name: str) -> None:
    ended = started({**NEEDED, name: ""})

    assert ended.returncode != 0
    assert f"{name} is not set" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


SANDBOX = {"PAYMENT_GATEWAY": "sandbox", "SANDBOX_GATEWAY_SECRET": "a-secret-of-their-own"}


@pytest.mark.parametrize(
    ("unreal", "permission"),
    [
        (SANDBOX, {"ALLOW_UNPAID_BOOKINGS": "1"}),
        ({"SMS_PROVIDER": "console"}, {"ALLOW_PRINTED_MESSAGES": "sms"}),
        ({"WHATSAPP_PROVIDER": "console"}, {"ALLOW_PRINTED_MESSAGES": "sms,whatsapp"}),
        ({"EMAIL_URL": "consolemail://"}, {"ALLOW_PRINTED_MESSAGES": "email"}),
        ({"EMAIL_URL": "dummymail://"}, {"ALLOW_PRINTED_MESSAGES": "email"}),
    ],
)
def test_nobody_books_for_free_and_no_message_is_only_printed_unless_that_is_permitted(
    unreal: dict[str, str], permission: dict[str, str]
) -> None:
    refused = started(NEEDED | unreal)
    (name,) = permission

    assert refused.returncode != 0
    assert name in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert started(NEEDED | unreal | permission).returncode == 0


def test_a_permission_for_one_channel_is_none_for_another() -> None:
    refused = started(NEEDED | {"WHATSAPP_PROVIDER": "console", "ALLOW_PRINTED_MESSAGES": "sms"})

    assert "messages by whatsapp would be printed" in refused.stderr


def test_the_sandboxes_secret_that_everybody_knows_is_refused() -> None:
    known = {"SANDBOX_GATEWAY_SECRET": PUBLIC_SANDBOX_SECRET, "ALLOW_UNPAID_BOOKINGS": "1"}

    assert "that everybody knows" in started(NEEDED | SANDBOX | known).stderr


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check", "--deploy"],
        ["manage.py", "run_outbox_relay", "--skip-checks"],
        ["manage.py", "qcluster"],
        ["-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0"],
    ],
    ids=lambda command: command[1],
)
def test_no_process_begins_before_everything_is_named_and_one_line_names_all(command: list[str]) -> None:
    unnamed = {"PAYMENT_GATEWAY": "", "SMS_PROVIDER": "", "EMAIL_URL": ""}
    ended = started(NEEDED | unnamed, command=command)

    assert ended.returncode != 0
    assert any(all(f"{name} is not set" in line for name in unnamed) for line in ended.stderr.splitlines())


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_sandbox_gateway_lets_nobody_else_in_with_the_secret_that_everybody_knows(host: str) -> None:
    ended = started({"SANDBOX_GATEWAY_SECRET": ""}, command=["-m", "bookings.sandbox", "--host", host, "--port", "0"])

    assert ended.returncode == 2
    assert "SANDBOX_GATEWAY_SECRET" in ended.stderr


def test_nothing_that_is_committed_is_a_key() -> None:
    """`.env`, where development's are, is written by `make`; git ignores it, and the image takes only what is named."""
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    image = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in image
    assert not [line for line in image if line.startswith("!") and "env" in line]
