"""Which room may know of which: import-linter's contracts in pyproject.toml, and what it cannot see."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("config", "bookings", "notifications")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_contracts_between_the_rooms_are_kept() -> None:
    checked = run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert checked.returncode == 0, checked.stdout


def test_notifications_does_not_know_bookings_even_by_name() -> None:
    naming = [
        path
        for path in (ROOT / "notifications").rglob("*")
        if path.is_file() and path.suffix != ".pyc" and b"bookings" in path.read_bytes().lower()
    ]
    assert naming == []


@pytest.mark.parametrize("file", sorted(ROOT.glob("*.py")), ids=lambda path: path.name)
def test_no_file_at_the_top_level_imports_the_relay(file: Path) -> None:
    """The contracts see packages only; gunicorn.conf.py and manage.py stand outside."""
    assert "notifications.relay" not in file.read_text()


@pytest.mark.parametrize("room", ROOMS)
def test_files_fit_a_mind(room: str) -> None:
    """No file of ours is longer than 300 lines; migrations are written by Django."""
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
    }
    assert {path: length for path, length in lengths.items() if length > 300} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_lives_in_it(room: str) -> None:
    silent = [
        path.relative_to(ROOT)
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts and path.name != "apps.py"
        if (text := path.read_text().removeprefix("#!/usr/bin/env python\n")) and not text.startswith('"""')
    ]
    assert silent == []


def test_no_migration_is_missing() -> None:
    checked = run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")
    assert checked.returncode == 0, checked.stdout + checked.stderr
