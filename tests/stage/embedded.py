"""Embedded servers for tests: each in a folder of its own, with users that are real processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded.server import Server
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
LINGER_SECONDS = 0.2
ROOMY_BYTES = 500_000_000
USE_THE_SERVER = """
import os, sys, time
from pathlib import Path
from config.embedded.server import Server
Server(Path(sys.argv[1]), fallback=Path(sys.argv[2]), linger_seconds=float(sys.argv[3])).ensure_running()
if "fork" in sys.argv and os.fork() == 0:
    time.sleep(600)
print("running", flush=True)
time.sleep(600)
"""


class User:
    """A process that uses the server until it is ended; it leads a process group, as a command in a shell does."""

    def __init__(self, server: Server, *options: str) -> None:
        arguments = [str(server.folder), str(server.fallback), str(server.linger_seconds), *options]
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE_THE_SERVER, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell's `&` leaves Ctrl-C ignored, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def wait_for_server(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == "running\n"

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(timeout=10)

    def interrupt(self) -> None:
        """As Ctrl-C does: the whole group gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=10)

    def clear_away(self) -> str:
        """End it and its children; what it said to standard error."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.communicate(timeout=10)[1]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike pytest's own: root's server runs as somebody else.

    In memory where there is room, which saves most of the time. Nothing may be left running on it.
    """
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOMY_BYTES
    with tempfile.TemporaryDirectory(prefix="embedded-", dir=memory if is_roomy else None) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        wait_until(lambda: not processes_on(folder))


@pytest.fixture
def make_server(open_folder: Path) -> Iterator[Callable[..., Server]]:
    """Makes embedded servers, of which this process is a user until the test ends."""
    made: list[Server] = []

    def make(folder: Path = open_folder / "data") -> Server:
        made.append(Server(folder, fallback=open_folder / "fallback", linger_seconds=LINGER_SECONDS))
        return made[-1]

    yield make
    for server in made:
        server.let_go()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    return make_server()


@pytest.fixture
def start_user(server: Server) -> Iterator[Callable[..., User]]:
    """Starts processes that use the server."""
    started: list[User] = []

    def start(*options: str) -> User:
        started.append(User(server, *options))
        return started[-1]

    yield start
    for user in started:
        user.clear_away()


def processes_on(folder: Path) -> dict[str, list[int]]:
    """The processes that run a server on `folder`, by program: "supervisor", "postgres", "initdb"."""
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_text(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if USE_THE_SERVER not in words and any(word.startswith(str(folder)) for word in words):
            program = "supervisor" if "config.embedded.supervisor" in words else Path(words[0]).name
            found.setdefault(program, []).append(int(entry.parent.name))
    return found


def kill(server: Server, program: str) -> None:
    (number,) = processes_on(server.place.home)[program]
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: has_ended(number))


def has_ended(number: int) -> bool:
    """Whether the process has let go of everything: a zombie has, one that is still on its way out has not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def connect(server: Server) -> psycopg.Connection:
    return psycopg.connect(**server.place.connection_parameters(), dbname="postgres", autocommit=True)
