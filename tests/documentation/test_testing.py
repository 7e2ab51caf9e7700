"""The code of docs/testing.md is a project's tests. They are run, by pytest and by Django's own runner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.scratch_databases import with_database
from tests.documentation.blocks import ROOT, files_of
from tests.packaging.stranger import PROJECT, TESTING


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in (PROJECT | files_of(TESTING)).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project: Path, *words: str, database_url: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env=clean | {"DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_pages_tests_pass(project: Path, database_url: str) -> None:
    """The plugin is named, because this environment has no installed distribution that names it."""
    database_url = with_database(database_url, f"parcels_{os.getpid()}")  # theirs is test_parcels_…
    run(project, "manage.py", "makemigrations", "parcels", database_url=database_url)

    assert "OK" in run(project, "manage.py", "test", database_url=database_url)
    by_pytest = run(
        project,
        *("-m", "pytest", "-p", "notifications.pytest_plugin", "parcels/test_with_pytest.py", "parcels/tests.py"),
        database_url=database_url,
    )
    assert "7 passed" in by_pytest
