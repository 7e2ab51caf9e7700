"""The Dockerfile: linted, from locked and hashed dependencies, with nothing in it that does not run."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.deployment.conftest import PROGRAMS, ROOT, Service

LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")


def test_the_dockerfile_is_lint_free() -> None:
    done = subprocess.run([PROGRAMS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_is_locked_by_hash(name: str) -> None:
    text = re.sub(r"^ *#.*$", "", (ROOT / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]

    assert lines
    assert [line.split()[0] for line in lines if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_registry(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()


def test_the_process_is_not_root() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1]

    assert re.search(r"^USER (?!root|0\b)", last_stage, flags=re.MULTILINE)


@pytest.mark.parametrize("left_out", [".env", ".git", ".data", "tests", "config/demo"])
def test_the_image_takes_only_what_runs(left_out: str) -> None:
    """The list begins by leaving everything out; what it takes back in is named."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    taken = {line[1:] for line in lines if line.startswith("!")}

    assert lines[0] == "*"
    assert left_out not in taken
    assert left_out in lines or Path(left_out).parts[0] not in taken


def test_static_files_are_collected_without_secrets(tmp_path: Path, serve) -> None:
    """The build's own command, into a folder of the test's."""
    settings = tmp_path / "building.py"
    settings.write_text(f"from config.settings import *\nSTATIC_ROOT = {str(tmp_path / 'static')!r}\n")
    service: Service = serve(
        ["python", "manage.py", "collectstatic", "--noinput"],
        DJANGO_DEBUG="1",
        DJANGO_SETTINGS_MODULE="building",
        PYTHONPATH=str(tmp_path),
    )

    assert service.process.wait(timeout=60) == 0, service.printed()
    assert (tmp_path / "static" / "admin").is_dir()
