"""Runs several relays as processes of one command: starts them, watches them, stops them together.

A relay that ends without having been asked to, or that hangs, is replaced. SIGTERM and SIGINT are passed on to all,
each time they come. If the supervisor itself is killed, its relays stop as if each had got SIGTERM (on Linux).
"""

import contextlib
import ctypes
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from notifications.telemetry import emit

LOOK_SECONDS = 0.2  # how often it is looked whether a relay has ended
HEALTH_SECONDS = 10.0  # how often a relay is asked whether its loop turns
START_SECONDS = 60.0  # before that a relay is not asked
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0  # before a relay is replaced; doubled if that ends soon, too
LIVED_SECONDS = 60.0  # a relay that lived for so long is replaced after the first pause again
PR_SET_PDEATHSIG = 1  # prctl(2)
METRICS_AT = re.compile(r"http://127\.0\.0\.1:(\d+)/metrics")

_open = build_opener(ProxyHandler({})).open  # to our own processes: never through a proxy


class Worker:
    """One relay's process and, after its end, its successors. `number` is 1, 2, …; `metrics_port` is 0 until known."""

    def __init__(self, number: int, command: Sequence[str]) -> None:
        self.number = number
        self._command = command
        self._pause = FIRST_PAUSE_SECONDS
        self.start()

    def start(self) -> None:
        self.metrics_port = 0
        self._started_at = self._asked_at = time.monotonic()
        self._replace_at = math.inf
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C would reach it twice: a second signal ends the grace
            env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
            preexec_fn=_end_with_parent(),  # noqa: PLW1509  (it takes no lock)
        )
        threading.Thread(target=self._pass_on, args=[self.process], daemon=True).start()

    def replace_if_ended(self) -> None:
        """Start a successor, after a pause, if the process has ended."""
        now = time.monotonic()
        if self.process.poll() is None:
            return
        if self._replace_at == math.inf:
            has_lived = now - self._started_at >= LIVED_SECONDS
            self._pause = FIRST_PAUSE_SECONDS if has_lived else min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            self._replace_at = now + self._pause
            emit("relay.process_ended", process=self.number, code=self.process.returncode, replaced_in=self._pause)
        elif now >= self._replace_at:
            self.start()

    def kill_if_stuck(self) -> None:
        """Kill the process if it answers that its loop hangs, or no longer answers."""
        now = time.monotonic()
        is_time = now - self._asked_at >= HEALTH_SECONDS and now - self._started_at >= START_SECONDS
        if not (self.metrics_port and is_time and self.process.poll() is None):
            return
        self._asked_at = now
        if not self.is_healthy():
            emit("relay.process_stuck", process=self.number)
            self.process.kill()

    def is_healthy(self) -> bool:
        """Whether its loop turns, or it has just been started."""
        if time.monotonic() - self._started_at < START_SECONDS:
            return True
        return self.process.poll() is None and self.read("/healthz") is not None

    def read(self, path: str) -> str | None:
        """What the process serves at `path`; None if it does not."""
        if not self.metrics_port:
            return None
        try:
            with _open(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=5) as answer:
                content: bytes = answer.read()
        except (URLError, OSError):
            return None
        return content.decode()

    def _pass_on(self, process: subprocess.Popen[str]) -> None:
        """Print what the process prints, but where its metrics are: those are served by the supervisor."""
        assert process.stdout is not None  # noqa: S101  (it was asked for)
        with process.stdout as lines:
            for line in lines:
                if found := METRICS_AT.search(line):
                    self.metrics_port = int(found[1])
                else:
                    print(line, end="", flush=True)


class Supervisor:
    """Runs `number` relays with `arguments`. With `is_draining`, a relay that ends is not replaced."""

    def __init__(self, number: int, arguments: Sequence[str], *, is_draining: bool) -> None:
        self._number = number
        self._command = [sys.executable, *_program(), "run_outbox_relay", *arguments]
        self._is_draining = is_draining
        self._signals: list[int] = []  # that came
        self.workers: list[Worker] = []

    def stop(self, number: int) -> None:
        """Pass the signal `number` on, and replace no relay any more. Signal-safe."""
        self._signals.append(number)
        for worker in self.workers:
            worker.process.send_signal(number)

    def run(self, *, on_look: Callable[[], None] = lambda: None) -> int:
        """Run until stopped or drained; 0 if every relay ended as asked, else 1. `on_look` is called all the time."""
        for number in range(1, self._number + 1):
            self.workers.append(Worker(number, self._command))
        while any(worker.process.poll() is None for worker in self.workers) or not self._may_end:
            for worker in self.workers:
                if not self._may_end:
                    self._replace_if_ended(worker)
                worker.kill_if_stuck()
            on_look()
            time.sleep(LOOK_SECONDS)
        asked = {0, *(-number for number in self._signals)}  # one that was just starting has no handler yet
        return int(any(worker.process.returncode not in asked for worker in self.workers))

    def is_healthy(self) -> bool:
        return all(worker.is_healthy() for worker in self.workers)

    def _replace_if_ended(self, worker: Worker) -> None:
        before = worker.process
        worker.replace_if_ended()
        if self._signals and worker.process is not before:  # a signal came while its successor was being started
            worker.process.send_signal(self._signals[-1])

    @property
    def _may_end(self) -> bool:
        return bool(self._signals) or self._is_draining


def _program() -> list[str]:
    """What this process runs: manage.py, wherever it lies, or else Django's own module."""
    program = Path(sys.argv[0])
    return [str(program.resolve())] if program.name == "manage.py" else ["-m", "django"]


def usable_processors() -> int:
    """How many processors this process may use, at least one: by affinity, and by its container's limit."""
    number: float = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        number = min(number, int(quota) / int(period))  # ValueError: `max`, no limit
    return max(1, math.ceil(number))


def _end_with_parent() -> Callable[[], object] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
