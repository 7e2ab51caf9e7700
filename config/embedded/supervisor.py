"""The process that starts the server, stops it a few seconds after its last user has ended, and exits.

`python -m config.embedded.supervisor FOLDER FALLBACK LINGER_SECONDS` returns when the server answers, and
leaves the supervisor in the background. If the server cannot start, it prints one line that says why.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.embedded import binaries, cluster, locks
from config.embedded.place import Place, choose

POLL_SECONDS = 0.25
READY = "ready"


def main(folder: str, fallback: str, linger_seconds: str) -> int:
    place = choose(Path(folder), fallback=Path(fallback))
    if not _is_ours_to_start(place):
        return 0
    reader, writer = os.pipe()
    if os.fork() == 0:
        return _supervise(place, report=writer, linger_seconds=float(linger_seconds))
    os.close(writer)
    with os.fdopen(reader) as report:
        answer = report.read()
    if answer != READY:
        print(answer or f"the supervisor was ended; see {place.log}", file=sys.stderr)
    return int(answer != READY)


def _is_ours_to_start(place: Place) -> bool:
    """Wait for the supervisor's lock, held until this process ends, unless another supervisor's server answers."""
    deadline = time.monotonic() + cluster.START_SECONDS
    while locks.try_exclusive(place.supervisor_lock) is None:
        if place.answers():
            return False
        if time.monotonic() > deadline:
            sys.exit(f"another supervisor is running, but its server does not answer; see {place.log}")
        time.sleep(0.02)
    return True


def _supervise(place: Place, *, report: int, linger_seconds: float) -> int:
    """Run the supervisor in the background; its parent ends after the report."""
    with os.fdopen(report, "w") as answer:
        _turn_to_log(place)
        try:
            server = _start(place)
        except (cluster.StartError, ImproperlyConfigured, OSError, subprocess.SubprocessError) as error:
            answer.write(str(error))
            return 1
        answer.write(READY)
    try:
        _wait_for_last_user(place, server, linger_seconds=linger_seconds)
    finally:
        cluster.stop(server)
    return 0


def _turn_to_log(place: Place) -> None:
    """Standard output and error go to the log; one older log is kept."""
    if place.log.exists():
        place.log.replace(place.log.with_suffix(".log.1"))
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)


def _start(place: Place) -> subprocess.Popen[str]:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))
    programs = binaries.programs_for(place)
    lock = cluster.take(place)
    cluster.prepare(place, programs, lock=lock)
    server = cluster.start(place, programs, lock=lock)
    os.close(lock)  # from here on the server alone holds it
    return server


def _wait_for_last_user(place: Place, server: subprocess.Popen[str], *, linger_seconds: float) -> None:
    """Return when nobody has used the server for `linger_seconds`, or when the server has ended by itself.

    The exclusive users' lock is then kept until this process ends: a user that comes while the server stops
    waits, and then starts another server.
    """
    last_used = time.monotonic()
    while server.poll() is None:
        lock = locks.try_exclusive(place.users_lock)
        if lock is None:
            last_used = time.monotonic()
        elif time.monotonic() - last_used >= linger_seconds:
            return
        else:
            os.close(lock)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
