"""Every command block of the documentation is run, as a reader would run it: in a fresh clone, from top to bottom.

Commands that CI runs in full by itself (`make test`) are not run twice; services are started, seen to stay, and ended.
"""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.documentation.blocks import PAGES, ROOT, Block, blocks
from tests.stage.scratch import scratch_database

SHELL = [block for page in PAGES for block in blocks(page) if block.language == "sh"]
RUN = [block for block in SHELL if not block.not_run]
LOOKS_LIKE_A_COMMAND = re.compile(r"^(make |\.venv/|python |manage\.py |docker|systemctl |kubectl |pip |psql )")
BY_CI = re.compile(r"^(make (lint|test|chaos|bench)\b|bash \.ci/run)")
SERVICE = re.compile(r"gunicorn|qcluster|run_outbox_relay(?!.*--drain)|--serve|--watch|make shell")
STAYS_SECONDS = 6.0
PLACEHOLDERS = {
    "postgresql://user:password@host/bookings": "$DOCUMENTED_DATABASE_URL",
    "manage.py createsuperuser": "manage.py createsuperuser --noinput",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_hides_in_a_block_that_is_not_run(page: Path) -> None:
    hidden = [
        f"{block}: {line}"
        for block in blocks(page)
        if block.language in {"", "text", "console", "bash", "shell"} and not block.not_run
        for line in block.lines
        if LOOKS_LIKE_A_COMMAND.match(line)
    ]

    assert hidden == [], "mark the block sh, or say above it why it is not run"


def test_ci_runs_what_is_left_to_it() -> None:
    left = {BY_CI.match(line).group().split()[1] for block in RUN for line in block.lines if BY_CI.match(line)}
    script = (ROOT / ".ci" / "run").read_text()

    assert {target for target in left - {".ci/run"} if f"make {target}" not in script} == set()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of what is committed, with this environment in place of the one that make would install again."""
    folder = tmp_path_factory.mktemp("clone") / "bookings"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    wanted = hashlib.sha256((folder / "requirements-dev.txt").read_bytes() + sys.version.encode()).hexdigest()
    stamp = Path(sys.prefix) / ".complete"
    if not stamp.exists() or stamp.read_text() != wanted:
        pytest.skip("this environment is not what make environment makes of the committed lock file")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def environment(database_url: str) -> Iterator[dict[str, str]]:
    """A reader's environment: a database of the documentation's own, on the server of the tests."""
    with scratch_database(database_url, "documented") as url:
        yield {
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,  # another one would have make build this very environment anew
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": url,
            "DOCUMENTED_DATABASE_URL": url,
            "DJANGO_SUPERUSER_USERNAME": "reader",
            "DJANGO_SUPERUSER_EMAIL": "reader@example.com",
            "DJANGO_SUPERUSER_PASSWORD": "a reader's password",
        }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", RUN, ids=str)
def test_a_reader_can_run_it(block: Block, clone: Path, environment: dict[str, str]) -> None:
    exported: list[str] = []
    for line in map(filled_in, block.lines):
        if line.startswith(("export ", "cd ")):
            exported.append(line)
        elif not BY_CI.match(line):
            follow("\n".join([*exported, line]), cwd=clone, environment=environment)


def filled_in(line: str) -> str:
    """The command with the reader's own values in place of the documentation's."""
    for there, here in PLACEHOLDERS.items():
        line = line.replace(there, here)
    return line


def follow(script: str, *, cwd: Path, environment: dict[str, str]) -> None:
    """Run `script`: a service must stay and end when asked, anything else must end well."""
    with subprocess.Popen(
        ["bash", "-euc", script],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        is_service = SERVICE.search(script) is not None
        try:
            printed, _ = process.communicate(timeout=STAYS_SECONDS if is_service else 240)
        except subprocess.TimeoutExpired:
            # To the process itself, as supervisors do: django-q2 hangs where its children are told as well.
            process.send_signal(signal.SIGINT if "--watch" in script else signal.SIGTERM)
            printed, _ = ended(process)
            assert is_service, f"{script} does not end:\n{printed}"
            assert process.returncode in {0, -signal.SIGTERM, 128 + signal.SIGTERM}, f"{script}:\n{printed}"
        else:
            assert process.returncode == 0, f"{script}:\n{printed}"
            assert not is_service or "make shell" in script, f"{script} did not stay:\n{printed}"


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What `process` has printed by its end, which comes within a minute, or by force."""
    try:
        return process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
