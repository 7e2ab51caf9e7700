"""The shipped examples, with secrets filled in, are settings of which `check --deploy` has nothing to say."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.deployment.conftest import ROOT
from tests.deployment.settings_names import variables

CHECK = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
SECRETS = {
    "DATABASE_URL": "postgresql://bookings:a-password@db/bookings",
    "POSTGRES_PASSWORD": "a-password",
    "DJANGO_SECRET_KEY": "e2J5kq1vD0sXw8TtZ6mRrN3yHcL9uPbGfA7oQiV4Kx5wYz1dEhMj",
    "STRIPE_SECRET_KEY": "a-secret",
    "STRIPE_WEBHOOK_SECRET": "a-secret",
    "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
    "TWILIO_AUTH_TOKEN": "a-secret",
    "EMAIL_URL": "smtp+tls://user:a-secret@mail.example.com:587",
}
CHOSEN = {  # in the .env beside docker-compose.yml: docs/operators.md
    "DJANGO_ALLOWED_HOSTS": "bookings.example.com",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "https://bookings.example.com",
    "PUBLIC_URL": "https://bookings.example.com",
    "PAYMENT_GATEWAY": "stripe",
    "OUTBOX_ALLOWED_COUNTRIES": "US,CA",
    "SMS_PROVIDER": "twilio",
    "WHATSAPP_PROVIDER": "twilio",
    "TWILIO_SMS_FROM": "+14155550000",
    "TWILIO_WHATSAPP_FROM": "+14155550001",
}
ASKED_FOR = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<otherwise>[^}]*))?\}")


def checked(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`check --deploy` in production, under these variables and no others of the settings'."""
    clean = {name: value for name, value in os.environ.items() if name not in variables() | {"DJANGO_SETTINGS_MODULE"}}
    return subprocess.run(
        [sys.executable, *CHECK],
        cwd=ROOT,
        env=clean | {"DJANGO_DEBUG": "0"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def of_compose(compose: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """The environment of compose's services, where `given` is the file .env."""

    def value(name: str, text: str | None) -> str | None:
        return given.get(name) if text is None else ASKED_FOR.sub(lambda found: filled(found, given), str(text))

    environment = compose["x-app"]["environment"].items()
    return {name: text_now for name, text in environment if (text_now := value(name, text)) is not None}


def filled(found: re.Match[str], given: dict[str, str]) -> str:
    if value := given.get(found["name"]):
        return value
    assert found["kind"] != "?", f"compose stops without {found['name']}"
    return found["otherwise"] or ""


def of_kubernetes() -> dict[str, str]:
    objects = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "bookings.yaml").read_text())["items"]
    (configuration,) = (described for described in objects if described["kind"] == "ConfigMap")
    return SECRETS | configuration["data"]


def of_systemd() -> dict[str, str]:
    lines = (ROOT / "deploy" / "environment.example").read_text().splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value or SECRETS[name] for name, value in named.items()}


def test_compose(compose: dict[str, Any]) -> None:
    done = checked(of_compose(compose, SECRETS | CHOSEN))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("described", [of_kubernetes, of_systemd])
def test_kubernetes_and_systemd(described: Any) -> None:
    done = checked(described())

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("missing", ["PAYMENT_GATEWAY", "SMS_PROVIDER", "WHATSAPP_PROVIDER", "STRIPE_WEBHOOK_SECRET"])
def test_what_is_missing_from_an_example_is_named(missing: str) -> None:
    environment = of_systemd()
    del environment[missing]
    done = checked(environment)

    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr


def test_a_setting_that_makes_a_service_less_safe_is_told() -> None:
    done = checked(of_systemd() | {"DJANGO_SSL_REDIRECT": "0"})

    assert done.returncode != 0
    assert "security.W008" in done.stderr


def test_the_examples_name_settings_that_exist() -> None:
    assert set(of_systemd()) <= variables()


def test_compose_has_no_secret_of_its_own(compose: dict[str, Any]) -> None:
    """What everybody can read in this file opens nothing: no default of a secret, a password or a key."""
    secret = re.compile(r"(SECRET|PASSWORD|TOKEN|KEY)$")
    named = [
        (variable, text)
        for service in (compose["x-app"], *compose["services"].values())
        for variable, text in (service.get("environment") or {}).items()
        if secret.search(variable)
    ]

    assert named
    for variable, text in named:
        defaults = [found["otherwise"] for found in ASKED_FOR.finditer(text or "") if found["kind"] == "-"]
        assert not any(defaults), variable
        assert not ASKED_FOR.sub("", text or ""), variable
