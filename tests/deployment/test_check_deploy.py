"""The shipped examples, with secrets filled in, are settings of which `check --deploy` has nothing to say."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.process import SECRETS as SECRETS_OF_ALL
from tests.deployment.conftest import ROOT
from tests.deployment.settings_names import variables

CHECK = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
SECRETS = {
    "DATABASE_URL": "postgresql://bookings:a-password@db/bookings",
    "POSTGRES_PASSWORD": "a-password",
    "DJANGO_SECRET_KEY": "e2J5kq1vD0sXw8TtZ6mRrN3yHcL9uPbGfA7oQiV4Kx5wYz1dEhMj",
    "STRIPE_SECRET_KEY": "a-secret",
    "STRIPE_WEBHOOK_SECRET": "a-secret",
    "OUTBOX_LINK_KEY": "another-secret",
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
        env=clean | {"DJANGO_DEBUG": "0", "DJANGO_SECRET_KEY": ""} | environment,  # not a developer's, from .env
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def of_compose(service: str) -> dict[str, str]:
    """The environment of one of compose's services, where SECRETS and CHOSEN are the file .env."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    given = SECRETS | CHOSEN

    def value(name: str, text: str | None) -> str | None:
        return given.get(name) if text is None else ASKED_FOR.sub(lambda found: filled(found, given), str(text))

    environment = compose["services"][service]["environment"].items()
    return {name: text_now for name, text in environment if (text_now := value(name, text)) is not None}


def filled(found: re.Match[str], given: dict[str, str]) -> str:
    if value := given.get(found["name"]):
        return value
    assert found["kind"] != "?", f"compose stops without {found['name']}"
    return found["otherwise"] or ""


def of_kubernetes(service: str) -> dict[str, str]:
    """The environment of the container of this name."""
    objects = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "bookings.yaml").read_text())["items"]
    (settings,) = (described["data"] for described in objects if described["kind"] == "ConfigMap")
    pods = [described["spec"]["template"]["spec"] for described in objects if "template" in described.get("spec", {})]
    (container,) = (each for pod in pods for each in pod["containers"] if each["name"] == service)
    own = {
        each["name"]: each.get("value") or SECRETS[each["valueFrom"]["secretKeyRef"]["key"]]
        for each in container["env"]
    }
    return settings | own


def of_systemd(service: str) -> dict[str, str]:
    """The environment of the unit of this name: its own line, and the files that it names."""
    (unit,) = (ROOT / "deploy" / "systemd").glob(f"bookings-{service}*.service")
    lines = unit.read_text().splitlines()
    own = [line.removeprefix("Environment=") for line in lines if line.startswith("Environment=")]
    for line in lines:
        if line.startswith("EnvironmentFile="):
            own += (ROOT / "deploy" / "environment" / Path(line.partition("=")[2]).name).read_text().splitlines()
    named = dict(line.split("=", 1) for line in own if line and not line.startswith("#"))
    return {name: value or SECRETS[name] for name, value in named.items()}


EXAMPLES = [(of, service) for of in (of_compose, of_kubernetes, of_systemd) for service in ("web", "relay", "qcluster")]


@pytest.mark.parametrize(
    ("described", "service"),
    [*EXAMPLES[:3], (of_kubernetes, "web"), (of_systemd, "relay")],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_there_is_nothing_wrong_with_an_example(described: Any, service: str) -> None:
    done = checked(described(service))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("described", "service"), [(of_kubernetes, "migrate"), *EXAMPLES], ids=lambda each: getattr(each, "__name__", each)
)
def test_a_process_gets_no_secret_that_only_others_need(described: Any, service: str) -> None:
    environment = described(service)
    role = environment["DJANGO_PROCESS"]

    assert role == {"qcluster": "tasks"}.get(service, service)
    assert [name for name in SECRETS_OF_ALL if name in environment and role not in SECRETS_OF_ALL[name]] == []


def test_a_secret_too_many_is_told() -> None:
    done = checked(of_systemd("relay") | {"STRIPE_SECRET_KEY": "a-secret"})

    assert done.returncode != 0
    assert "STRIPE_SECRET_KEY is set, and a process whose DJANGO_PROCESS is relay has no use for it" in done.stderr


@pytest.mark.parametrize("missing", ["PAYMENT_GATEWAY", "SMS_PROVIDER", "WHATSAPP_PROVIDER", "STRIPE_WEBHOOK_SECRET"])
def test_what_is_missing_from_an_example_is_named(missing: str) -> None:
    environment = of_systemd("web")
    del environment[missing]
    done = checked(environment)

    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr


def test_a_setting_that_makes_a_service_less_safe_is_told() -> None:
    done = checked(of_systemd("web") | {"DJANGO_SSL_REDIRECT": "0"})

    assert done.returncode != 0
    assert "security.W008" in done.stderr


def test_the_examples_name_settings_that_exist() -> None:
    assert set().union(*(of_systemd(service) for service in ("web", "relay", "qcluster"))) <= variables()


def test_compose_has_no_secret_of_its_own(compose: dict[str, Any]) -> None:
    """What everybody can read in this file opens nothing: no default of a secret, a password or a key."""
    secret = re.compile(r"(SECRET|PASSWORD|TOKEN|KEY)$")
    named = [
        (variable, text)
        for service in compose["services"].values()
        for variable, text in (service.get("environment") or {}).items()
        if secret.search(variable)
    ]

    assert named
    for variable, text in named:
        defaults = [found["otherwise"] for found in ASKED_FOR.finditer(text or "") if found["kind"] == "-"]
        assert not any(defaults), variable
        assert not ASKED_FOR.sub("", text or ""), variable
