"""The distribution: built, checked, installed into an empty Django project without bookings, and put to use there."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import django
import pytest

from tests.documentation.blocks import blocks, files_of
from tests.packaging.stranger import TESTING, everything
from tests.stage.scratch import scratch_database
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "notifications" / "README.md"
PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: building leaves folders behind."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT / "notifications", source / "notifications", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, cwd=source)
    (found,) = built.glob("*.whl")
    return found


def test_it_holds_all_of_notifications_and_nothing_else(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = run("git", "ls-files", "notifications", cwd=ROOT).split()

    assert inside == set(tracked) - {"notifications/README.md"}


def test_it_is_fit_to_publish(wheel: Path) -> None:
    run(PROGRAMS / "twine", "check", "--strict", wheel, *wheel.parent.glob("*.tar.gz"))
    run(PROGRAMS / "check-wheel-contents", wheel)


@pytest.fixture
def empty_databases(database_url: str) -> Iterator[dict[str, str]]:
    """Two databases of its own, beside the tests'; their URLs by name."""
    with ExitStack() as stack:
        names = "somebody_elses_project", "empty_folder"
        yield {name: stack.enter_context(scratch_database(database_url, name)) for name in names}


@pytest.mark.timeout(600)
def test_a_stranger_publishes_and_drains(wheel: Path, empty_databases: dict[str, str], tmp_path: Path) -> None:
    """With what the wheel asks for, and no more: the environment is a new one."""
    empty_database = empty_databases["somebody_elses_project"]
    venv.create(tmp_path / "venv", with_pip=True)
    python, project = tmp_path / "venv" / "bin" / "python", tmp_path / "project"
    needed = f"{wheel}[example]", f"Django=={django.get_version()}"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", *needed)
    follow_the_readme(tmp_path, DATABASE_URL=empty_databases["empty_folder"])
    for name, text in everything().items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)

    def manage(*words: str) -> str:
        return run(python, "manage.py", *words, cwd=project, DATABASE_URL=empty_database)

    manage("makemigrations", "parcels")
    manage("migrate", "--verbosity", "0")
    assert "No changes" in manage("makemigrations", "--check", "--dry-run")
    manage("ship", "P-1")
    sent = manage("run_outbox_relay", "--drain")
    assert "Parcel P-1 is on its way." in sent
    assert manage("statuses").split() == ["email=sent", "sms=sent"]

    manage("serve_customers")
    sent = relay_until("Be at home for P-2.", python, project, DATABASE_URL=empty_database)
    assert sent.count("To: new@example.com") == 4, "where the contact function says that she is now"
    assert [text for text in ("comes on Tuesday", "P-3 is here.", "SALE!") if text not in sent] == []
    assert "comes on Monday" not in sent, "its place was taken"

    assert "OK" in manage("test")
    tests = "parcels/test_with_pytest.py", "parcels/everything_test.py"
    assert "16 passed" in run(python, "-m", "pytest", *tests, cwd=project, DATABASE_URL=empty_database)
    assert "Success" in typed(tmp_path, project, DATABASE_URL=empty_database)


def follow_the_readme(folder: Path, **environment: str) -> None:
    """The README's five commands, in an empty folder. The first made the environment, with the wheel in it."""
    (block,) = (each for each in blocks(README) if any("notifications.example" in line for line in each.lines))
    first, *others = block.lines
    assert "pip install" in first
    assert len(others) == 4
    empty, programs = folder / "empty", f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    empty.mkdir()
    printed = [run(*line.split(), cwd=empty, **environment, PATH=programs) for line in others]
    assert "Subject: Parcel P-1" in printed[2]
    assert "1 passed" in printed[3], "whatever is in the project's own database, where P-1 was shipped"


def relay_until(awaited: str, python: Path, project: Path, **environment: str) -> str:
    """What a relay prints that runs until it has printed `awaited`: it keeps the clock, too, for what is for later."""
    printed = project / "relay.txt"
    with (
        printed.open("w") as output,
        subprocess.Popen(
            [python, "manage.py", "run_outbox_relay"], cwd=project, env=clean() | environment, stdout=output
        ) as relay,
    ):
        try:
            wait_until(lambda: awaited in printed.read_text(), seconds=60, pause=0.05)
        finally:
            relay.terminate()
    assert relay.returncode == 0
    return printed.read_text()


def typed(folder: Path, project: Path, **environment: str) -> str:
    """What mypy says, strictly: this environment's, with the stranger's packages before its own."""
    venv.create(folder / "typed")
    (packages,) = (folder / "typed").glob("lib/*/site-packages")
    (theirs,) = (folder / "venv").glob("lib/*/site-packages")
    (packages / "both.pth").write_text(f"{theirs}\n{Path(pytest.__file__).parent.parent}\n")
    files = [name for name in everything() if name.endswith(".py") and name not in files_of(TESTING)]
    command = PROGRAMS / "mypy", "--python-executable", folder / "typed" / "bin" / "python"
    return run(*command, *files, cwd=project, PYTHONPATH=str(theirs), **environment)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """What `command` prints to standard output; fails with all that it said."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean() | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def clean() -> dict[str, str]:
    """This environment without what is about our own project."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON", "PYTEST"))}
