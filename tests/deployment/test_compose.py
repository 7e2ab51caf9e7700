"""docker-compose.yml: valid, complete, and each of its services comes up, is healthy and ends in good order.

No Docker engine is needed: docker-compose checks the file where it is installed, and each service's own command runs
as a process here.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deployment.conftest import ROOT, Production, Service
from tests.deployment.settings_names import variables
from tests.stage.bouncer import free_port
from tests.stage.waiting import wait_until

NEEDED = {
    "POSTGRES_PASSWORD": "a-password",
    "DJANGO_SECRET_KEY": "a-key",
    "OUTBOX_LINK_KEY": "another-key",
    "PAYMENT_GATEWAY": "stripe",
    "SMS_PROVIDER": "twilio",
    "WHATSAPP_PROVIDER": "twilio",
}
OURS = ("migrate", "web", "relay", "qcluster", "payment-gateway", "providers")

needs_docker_compose = pytest.mark.skipif(
    shutil.which("docker-compose") is None, reason="docker-compose is not installed (Debian: docker-compose)"
)


def docker_compose(**environment: str) -> subprocess.CompletedProcess[str]:
    command = ["docker-compose", "--profile", "sandbox", "--profile", "monitoring", "config"]
    clean = {name: value for name, value in os.environ.items() if name not in NEEDED}
    return subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=False)


@needs_docker_compose
def test_the_file_is_valid() -> None:
    done = docker_compose(**NEEDED)

    assert done.returncode == 0, done.stderr


@needs_docker_compose
@pytest.mark.parametrize("missing", NEEDED)
def test_what_is_missing_is_named_and_nothing_starts(missing: str) -> None:
    done = docker_compose(**{name: value for name, value in NEEDED.items() if name != missing} | {missing: ""})

    assert done.returncode != 0
    assert f"Set {missing}" in done.stderr


def passed_on(compose: dict[str, Any]) -> set[str]:
    return set().union(*(compose["services"][name]["environment"] for name in OURS))


def test_every_setting_can_be_set(compose: dict[str, Any]) -> None:
    assert variables() - passed_on(compose) == set()


def test_no_setting_is_passed_on_that_nobody_reads(compose: dict[str, Any]) -> None:
    """OpenTelemetry's library reads its own."""
    assert {name for name in passed_on(compose) if not name.startswith("OTEL_")} - variables() == set()


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_without_privileges(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]

    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_nothing_is_reached_from_outside_but_through_a_proxy_of_this_machine(compose: dict[str, Any]) -> None:
    open_to_all = {
        name
        for name, service in compose["services"].items()
        if any(not port.startswith("127.0.0.1:") for port in service.get("ports", []))
    }

    assert open_to_all == set()
    assert "ports" not in compose["services"]["web"], "gunicorn is reached through the proxy alone"


def test_relays_can_be_multiplied(compose: dict[str, Any]) -> None:
    relay = compose["services"]["relay"]

    assert "container_name" not in relay
    assert "ports" not in relay


@pytest.mark.django_db(transaction=True)
def test_migrate_ends_well(compose: dict[str, Any], serve: Callable[..., Service], production: Production) -> None:
    service = serve(compose["services"]["migrate"]["command"], **production("migrate"))

    assert service.process.wait(timeout=60) == 0, service.printed()


@pytest.mark.django_db(transaction=True)
def test_the_web_is_healthy_and_ends_in_good_order(
    compose: dict[str, Any], serve: Callable[..., Service], production: Production
) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [word.replace("0.0.0.0:8000", address) for word in image_command()]
    probe = [word.replace("127.0.0.1:8000", address) for word in compose["services"]["web"]["healthcheck"]["test"][1:]]
    service = serve(command, **production("web"))

    wait_until(lambda: is_answered(f"http://{address}/healthz"), seconds=60)
    health = serve(probe, **production("web"))

    assert health.process.wait(timeout=20) == 0, health.printed()
    assert requests.get(f"http://{address}/readyz", timeout=10).status_code == 200
    assert requests.get(f"http://{address}/admin/login/", timeout=10).status_code == 200
    assert service.stop(within=30) == 0, service.printed()


@pytest.mark.django_db(transaction=True)
def test_the_relay_comes_up_and_ends_in_good_order(
    compose: dict[str, Any], serve: Callable[..., Service], production: Production
) -> None:
    service = serve(compose["services"]["relay"]["command"], **production("relay"))
    wait_until(lambda: "relay.started" in service.printed(), seconds=60)

    assert service.stop(within=30) == 0, service.printed()
    assert "relay.stopped" in service.printed()


@pytest.mark.django_db(transaction=True)
def test_the_cluster_comes_up_and_ends_in_good_order(
    compose: dict[str, Any], serve: Callable[..., Service], production: Production
) -> None:
    service = serve(compose["services"]["qcluster"]["command"], **production("tasks"))
    wait_until(lambda: "ready for work" in service.printed(), seconds=60)

    assert service.stop(within=60) == 0, service.printed()


def test_the_sandboxes_come_up(compose: dict[str, Any], serve: Callable[..., Service], tmp_path: Path) -> None:
    gateway = [
        word.replace("8091", "0").replace("/ledger/", f"{tmp_path}/")
        for word in compose["services"]["payment-gateway"]["command"]
    ]
    providers = [word.replace("8090", "0").replace("8026", "0") for word in compose["services"]["providers"]["command"]]
    started = [serve(gateway, SANDBOX_GATEWAY_SECRET="a-secret"), serve(providers)]

    for service in started:
        wait_until(lambda service=service: "http://0.0.0.0:" in service.printed(), seconds=30)
        assert service.stop(within=10) == 0, service.printed()


def image_command() -> list[str]:
    """The image's own command: the Dockerfile's last line."""
    *_, last = (ROOT / "Dockerfile").read_text().strip().splitlines()
    words: list[str] = json.loads(last.removeprefix("CMD "))
    return words


def is_answered(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):  # a worker that starts takes requests, and answers later
        return False
