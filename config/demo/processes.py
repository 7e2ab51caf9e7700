"""The demo's processes: they are started with their addresses, and always end before the demo does."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.child_processes import end_with_parent
from config.environment import BASE_DIR

STOP_SECONDS = 15.0


class DidNotStart(Exception):
    """A process ended or stayed silent before it was ready. The message holds what it printed."""


class Child:
    """One process of the demo, in its own session: Ctrl-C reaches only the demo, which then stops it in order."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        environment: dict[str, str],
        inherit: tuple[int, ...] = (),
        log: Path | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start `python <command>`, with its output in `log`. `ends_by` is the signal that ends it with its parent."""
        self.name = name
        self._output = log.open("a+") if log else tempfile.TemporaryFile("w+", prefix=name)  # noqa: SIM115  (closed by stop)
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=BASE_DIR,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._output,
            text=True,
            pass_fds=inherit,
            start_new_session=True,
            preexec_fn=end_with_parent(ends_by),  # noqa: PLW1509  (the demo has one thread while it starts its children)
        )

    def first_line(self) -> Any:
        """The JSON that it prints when it is ready. Raises DidNotStart."""
        assert self.process.stdout is not None  # noqa: S101  (asked for above)
        line = self.process.stdout.readline()
        if not line:
            raise DidNotStart(f"{self.name}: {self.printed()}")
        return json.loads(line)

    def check(self) -> None:
        """Raise DidNotStart if it has ended."""
        if self.process.poll() is not None:
            raise DidNotStart(f"{self.name} ended with exit code {self.process.returncode}: {self.printed()}")

    def printed(self) -> str:
        """The last of what it wrote to standard error."""
        self._output.seek(0)
        return "".join(self._output.readlines()[-20:]).strip()

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdout.close()
        self._output.close()


class Children:
    """The demo's processes, in the order in which they were started."""

    def __init__(self) -> None:
        self._running: list[Child] = []

    def start(self, name: str, *command: str, inherit: tuple[int, ...] = (), **environment: str) -> Child:
        """Start `python <command>`, which inherits the file descriptors `inherit`."""
        child = Child(name, list(command), environment=environment, inherit=inherit)
        self._running.append(child)
        return child

    def check(self) -> None:
        """Raise DidNotStart if one of them has ended."""
        for child in self._running:
            child.check()

    def stop(self) -> None:
        """End them all, the latest first, so that the relay ends before the providers that it sends to."""
        while self._running:
            self._running.pop().stop()


@contextmanager
def children() -> Iterator[Children]:
    """Processes that end with the block. SIGTERM ends the block as Ctrl-C does."""
    started = Children()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield started
    finally:
        ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave anything behind
        started.stop()
        signal.signal(signal.SIGINT, ignored)
        signal.signal(signal.SIGTERM, before)


def kept_folder() -> Path:
    """The folder for files that outlive the demo."""
    folder = BASE_DIR / ".data" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
