"""The processes that are killed: each role is played by one process after the other.

A killed relay's successor is forked by the nursery, and back in milliseconds; after a deploy, or with another clock, it
is a program started anew.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from config.demo.processes import Child
from tests.chaos.nursery import Forked

CLOCK_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


class Actor:
    """One role. Its processes say in their database sessions which role they play, and the how-manieth they are."""

    def __init__(
        self,
        name: str,
        *command: str,
        environment: dict[str, str],
        logs: Path,
        inherit: tuple[int, ...] = (),
        ends_by: signal.Signals = signal.SIGTERM,
        nursery: Callable[..., Forked] | None = None,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = environment
        self._log = logs / f"{name}.log"
        self._inherit = inherit
        self._ends_by = ends_by
        self._nursery = nursery
        self._child: Child | Forked | None = None
        self.number = 0
        self.mine = ""  # a failpoint for the next process
        self.clock_seconds = 0  # by how much the clock of the next process is off
        self.is_leaving = False

    def start(self) -> None:
        """Put the next process on stage."""
        is_new = self._child is None or self.is_leaving or self.clock_seconds != 0
        if self._child is not None:
            self._child.stop()  # dead already: its output is closed
            self._clean_up()
        self.number += 1
        self.is_leaving = False
        if self._nursery is not None and not is_new:
            self._child = self._nursery(process=self.process, failpoint=self.mine, log=str(self._log))
        else:
            self._child = self._started()
        self.mine = ""

    def _started(self) -> Child:
        extra = {"FAILPOINT": self.mine} if self.mine else {}
        if self.clock_seconds:
            extra |= _clock(self.clock_seconds)
        options = quote(f"-c chaos.process={self.process}")
        database = f"{self._environment['DATABASE_URL']}?options={options}"
        environment = self._environment | extra | {"DATABASE_URL": database}
        return Child(
            self.name,
            self._command,
            environment=environment,
            inherit=self._inherit,
            log=self._log,
            ends_by=self._ends_by,
        )

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid if isinstance(self._child, Forked) else self._child.process.pid

    @property
    def process(self) -> str:
        """The process that plays the role at present, as its database sessions say it."""
        return f"{self.name}.{self.number}"

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        assert self._child is not None
        return self._child.poll() if isinstance(self._child, Forked) else self._child.process.poll()

    @property
    def is_stopped(self) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def send_all(self, number: signal.Signals) -> None:
        """The process and its children: it leads a session of its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill_child(self, index: int) -> bool:
        """Kill one of its children; False if it has none just now."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            if children:
                os.kill(int(children[index % len(children)]), signal.SIGKILL)
                return True
        return False

    def leave(self) -> None:
        """Ask it to end in good order; whoever looks after it starts the next."""
        self.is_leaving = True
        self.send(signal.SIGTERM)

    def end(self) -> None:
        """End it for good, whatever state it is in."""
        if self._child is not None:
            self.send_all(signal.SIGKILL)
            self._child.stop()
            self._clean_up()
            self._child = None

    def _clean_up(self) -> None:
        """What libfaketime leaves behind where its process is killed."""
        for name in (f"faketime_shm_{self.pid}", f"sem.faketime_sem_{self.pid}"):
            (Path("/dev/shm") / name).unlink(missing_ok=True)


def clock_library() -> str:
    """Where libfaketime is; empty where it is not installed."""
    for pattern in CLOCK_LIBRARIES:
        for found in sorted(Path("/").glob(pattern.removeprefix("/"))):
            return str(found)
    return ""


def _clock(seconds: int) -> dict[str, str]:
    """Has the process's wall clock off by so much: for every call of the C library, or for Python's time alone."""
    if library := clock_library():
        return {"LD_PRELOAD": library, "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {"CHAOS_CLOCK_SECONDS": str(seconds)}
