"""A real `manage.py qcluster` on the test database."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "the key of the tests' cluster, long enough to sign with"


def fail() -> None:
    """A task that goes wrong."""
    raise RuntimeError("the task went wrong, as told")


class QCluster:
    """The command as a child process; what it prints goes to a file."""

    def __init__(self, output: Path, *, environment: dict[str, str]) -> None:
        self._output = output
        with output.open("w") as written:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "qcluster"],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=written,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def printed(self) -> str:
        return self._output.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def qcluster(transactional_db: None, database_url: str, tmp_path: Path) -> Iterator[Callable[..., QCluster]]:
    """Starts clusters; ended with the test."""
    started: list[QCluster] = []

    def start(**environment: Any) -> QCluster:
        variables = {
            "DATABASE_URL": database_url,
            "DJANGO_DEBUG": "1",
            "DJANGO_SECRET_KEY": KEY,
            "DJANGO_SETTINGS_MODULE": "tests.stage.qcluster_settings",
        }
        started.append(QCluster(tmp_path / f"qcluster-{len(started)}", environment=variables | environment))
        return started[-1]

    yield start
    for cluster in started:
        cluster.end()
