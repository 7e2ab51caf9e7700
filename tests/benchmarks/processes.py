"""The worker processes of a run, each in a process group of its own, killed when the run is over.

Killed, not asked: what they have not written down by then does not count.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from config.child_processes import end_with_parent
from tests.benchmarks.work import Failed

START_SECONDS = 60.0  # that workers have to come up, or the run has failed
ROOT = Path(__file__).resolve().parent.parent.parent


class Processes:
    """The processes of one contender; a `with` block ends them. `environment` is added to each one's own."""

    def __init__(self, **environment: str) -> None:
        self._environment = environment
        self._running: list[subprocess.Popen[bytes]] = []
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the block)

    def start(self, *command: str, **environment: str) -> None:
        self._running.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | self._environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509  (the benchmark has one thread)
            )
        )

    def start_python(self, *arguments: str, **environment: str) -> None:
        self.start(sys.executable, *arguments, **environment)

    def check(self) -> None:
        """Raise Failed if one of them has ended."""
        for process in self._running:
            if process.poll() is not None:
                raise Failed(f"a worker ended with exit code {process.returncode}: {self.printed()}")

    def wait_until(self, condition: Callable[[], object], *, otherwise: str, pause: float) -> None:
        """Return once `condition` holds; raise Failed if one of them ends before, or START_SECONDS are over."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise Failed(f"{otherwise} within {START_SECONDS:.0f} s: {self.printed()}")
            time.sleep(pause)

    def printed(self) -> str:
        """The last of what they wrote."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-2000:].strip()

    def resident_mb(self) -> float:
        """The memory of the first process; Linux says it."""
        status = Path(f"/proc/{self._running[0].pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def processor_seconds(self) -> float:
        """What all of them and their children have used of the processors so far; Linux says it."""
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in self._all().values())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _all(self) -> dict[int, list[str]]:
        """All that run, with what Linux says of each: their groups, and a supervisor's relays, which have their own."""
        ours = {process.pid for process in self._running}
        stats = {int(path.parent.name): _stat(path) for path in Path("/proc").glob("[0-9]*/stat")}
        return {pid: stat for pid, stat in stats.items() if stat and ours & {int(stat[1]), int(stat[2])}}

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._all():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._running:
            process.wait()
        self._output.close()


def _stat(path: Path) -> list[str]:
    """What proc(5) tells of a process from its state on, which is the third field; nothing if it has ended."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []
