"""Runs several relays as processes of one command: starts them, watches them, stops them together.

A relay that ends without having been asked to, or that hangs, is replaced. SIGTERM and SIGINT are passed on to all,
each time they come. On Linux, a relay that hangs is noticed, and if the supervisor itself is killed, its relays stop
as if each had got SIGTERM.
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
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from notifications.relay.life_signs import READY, LifeSigns
from notifications.telemetry import emit

LOOK_SECONDS = 0.2  # how often it is looked whether a relay has ended
STUCK_SECONDS = 60.0  # after which a silent relay hangs: it speaks twice a second, also while the database is away
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0  # before a relay is replaced; doubled if that ends soon, too
LIVED_SECONDS = 60.0  # a relay that lived for so long is replaced after the first pause again
PR_SET_PDEATHSIG = 1  # prctl(2)
# What a relay gets when its supervisor is gone. The kernel may say so twice, at the end of a thread and of the process,
# and a second SIGTERM would end the grace.
SUPERVISOR_IS_GONE = signal.SIGUSR1
METRICS_AT = re.compile(r"http://127\.0\.0\.1:(\d+)/metrics")

_open = build_opener(ProxyHandler({})).open  # to our own processes: never through a proxy


class Worker:
    """One relay's process and, after its end, its successors. `number` is 1, 2, …; `metrics_port` is 0 until known.

    `notify_socket` is where it says that it lives; empty if nobody listens there.
    """

    def __init__(self, number: int, command: Sequence[str], *, notify_socket: str = "") -> None:
        self.number = number
        self._command = command
        self._notify_socket = notify_socket
        self._pause = FIRST_PAUSE_SECONDS
        self._heard_at = time.monotonic()
        self.is_ready = False
        self.start()

    def start(self) -> None:
        self.metrics_port = 0
        self._started_at = time.monotonic()
        self._replace_at = math.inf
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C would reach it twice: a second signal ends the grace
            env=os.environ | {"NOTIFY_SOCKET": self._notify_socket},
            preexec_fn=_end_with_parent(),  # noqa: PLW1509  (it takes no lock)
        )
        threading.Thread(target=self._pass_on, args=[self.process], daemon=True).start()

    def hear(self, words: str) -> None:
        """Note that the process has said something: its loop turns."""
        self._heard_at = time.monotonic()
        self.is_ready = self.is_ready or READY in words

    def replace_if_ended(self) -> None:
        """Start a successor, after a pause, if the process has ended."""
        now = time.monotonic()
        if self.process.poll() is None:
            return
        if self._replace_at == math.inf:
            has_lived = now - self._started_at >= LIVED_SECONDS
            self._pause = FIRST_PAUSE_SECONDS if has_lived else min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            self._replace_at = now + self._pause
            self.is_ready = False
            emit("relay.process_ended", process=self.number, code=self.process.returncode, replaced_in=self._pause)
        elif now >= self._replace_at:
            self.start()

    def kill_if_stuck(self) -> None:
        """Kill the process if its loop has not turned for a minute."""
        silent = time.monotonic() - max(self._started_at, self._heard_at)
        if self._notify_socket and silent >= STUCK_SECONDS and self.process.poll() is None:
            emit("relay.process_stuck", process=self.number)
            self.process.kill()

    def is_healthy(self) -> bool:
        """Whether it has spoken lately. One that ends again and again before it has is not."""
        return not self._notify_socket or time.monotonic() - self._heard_at < STUCK_SECONDS

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
        with closing(LifeSigns()) as signs:
            for number in range(1, self._number + 1):
                self._start(number, notify_socket=signs.address)
            while any(worker.process.poll() is None for worker in self.workers) or not self._may_end:
                self._hear(signs)
                for worker in self.workers:
                    if not self._may_end:
                        self._replace_if_ended(worker)
                    worker.kill_if_stuck()
                on_look()
                signs.wait(LOOK_SECONDS)
        asked = {0, *(-number for number in self._signals)}  # one that was just starting has no handler yet
        return int(any(worker.process.returncode not in asked for worker in self.workers))

    def is_healthy(self) -> bool:
        return all(worker.is_healthy() for worker in self.workers)

    def is_ready(self) -> bool:
        """Whether a relay sends."""
        return any(worker.is_ready for worker in self.workers)

    @property
    def is_stopping(self) -> bool:
        return bool(self._signals)

    def _start(self, number: int, *, notify_socket: str) -> None:
        """Start a relay, unless a signal has come; one that comes meanwhile is passed on."""
        if self._signals:
            return
        worker = Worker(number, self._command, notify_socket=notify_socket)
        self.workers.append(worker)
        self._catch_up(worker)

    def _hear(self, signs: LifeSigns) -> None:
        by_process = {worker.process.pid: worker for worker in self.workers}
        for process, words in signs.read():
            if process in by_process:
                by_process[process].hear(words)

    def _replace_if_ended(self, worker: Worker) -> None:
        before = worker.process
        worker.replace_if_ended()
        if worker.process is not before:
            self._catch_up(worker)

    def _catch_up(self, worker: Worker) -> None:
        """Pass a signal on that came while `worker` was being started."""
        if self._signals:
            worker.process.send_signal(self._signals[-1])

    @property
    def _may_end(self) -> bool:
        return self.is_stopping or self._is_draining


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
    return lambda: prctl(PR_SET_PDEATHSIG, SUPERVISOR_IS_GONE)
