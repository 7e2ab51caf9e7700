"""Services as docker-compose.yml and deploy/ start them, run here outside of containers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.process import SECRETS
from tests.stage.production import PRODUCTION

ROOT = Path(__file__).resolve().parent.parent.parent
EVERYTHING = PRODUCTION | {"OUTBOX_LINK_KEY": "another key", "DJANGO_SETTINGS_MODULE": "config.settings"}
Production = Callable[[str], dict[str, str]]
PROGRAMS = Path(sys.executable).parent


class Service:
    """One process, started by the command that a deployment names."""

    def __init__(self, command: Sequence[str], *, environment: dict[str, str], output: Path) -> None:
        self._output = output
        program, *arguments = command
        with output.open("w") as written:
            self.process = subprocess.Popen(
                [str(PROGRAMS / Path(program).name), *arguments],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=written,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        return self._output.read_text()

    def stop(self, *, within: float) -> int:
        """Ask it to end; its exit code. Fails when the grace is not kept."""
        self.process.terminate()
        return self.process.wait(timeout=within)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services; ended with the test."""
    started: list[Service] = []

    def start(command: Sequence[str], **environment: str) -> Service:
        started.append(Service(command, environment=environment, output=tmp_path / f"service-{len(started)}"))
        return started[-1]

    yield start
    for service in started:
        service.end()


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """docker-compose.yml, its anchors resolved and its variables not."""
    described: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return described


@pytest.fixture
def production(database_url: str) -> Production:
    """The environment of a process of this role on the test database, with no secret but its own."""

    def of(role: str) -> dict[str, str]:
        secret = {name: value for name, value in EVERYTHING.items() if name in SECRETS and role not in SECRETS[name]}
        return EVERYTHING | dict.fromkeys(secret, "") | {"DJANGO_PROCESS": role, "DATABASE_URL": database_url}

    return of
