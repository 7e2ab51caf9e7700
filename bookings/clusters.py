"""Runs a cluster of django-q2 for each shard, in processes of their own: started, watched and stopped together.

One that ends by itself, as when its shard's database is away, is started again after a pause. It stops no other.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

LOOK_SECONDS = 0.2
PAUSE_SECONDS = 10.0  # before a cluster that has ended is started again
ENDED_WELL = (0, -signal.SIGTERM)  # the latter: stopped before it had begun


@dataclass(slots=True)
class _Cluster:
    """One shard's cluster and its successors."""

    command: Sequence[str]
    process: subprocess.Popen[bytes] = field(init=False)
    ended_at: float = 0.0

    def start(self) -> None:
        self.ended_at = 0.0
        self.process = subprocess.Popen(self.command, start_new_session=True)  # a Ctrl-C reaches it once, through us

    def start_again_if_ended(self) -> None:
        if self.process.poll() is None:
            return
        if not self.ended_at:
            self.ended_at = time.monotonic()
        elif time.monotonic() - self.ended_at >= PAUSE_SECONDS:
            self.start()


class Clusters:
    """The clusters of `shards`. With `is_once`, each runs what is due and ends."""

    def __init__(self, shards: Sequence[str], *, is_once: bool = False, program: Sequence[str] = ()) -> None:
        program = program or (sys.executable, sys.argv[0], "qcluster")
        once = ["--run-once"] if is_once else []
        self._is_once = is_once
        self._clusters = [_Cluster([*program, "--database", shard, *once]) for shard in shards]
        self._is_stopped = False

    def stop(self) -> None:
        """Let each finish what it does, and start none again. Signal-safe."""
        self._is_stopped = True

    def run(self) -> int:
        """Run until stopped; 1 if one did not end well then, else 0."""
        for each in self._clusters:
            each.start()
        while not self._is_stopped and any(each.process.poll() is None or not self._is_once for each in self._clusters):
            for each in self._clusters if not self._is_once else ():
                each.start_again_if_ended()
            time.sleep(LOOK_SECONDS)
        return self._end()

    def _end(self) -> int:
        """Stop those that run, and wait for the tasks that they have begun."""
        running = [each.process for each in self._clusters if each.process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        ended = running if not self._is_once else [each.process for each in self._clusters]
        return int(any(process.returncode not in ENDED_WELL for process in ended))
