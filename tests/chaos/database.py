"""The campaign's own PostgreSQL: started, stopped hard and soft, and run out of disk.

Its data lie in a small file system in memory where this user may mount one; elsewhere a limit on the size of the
server's files takes the part of a full disk.
"""

import contextlib
import errno
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from config import scratch_databases
from config.child_processes import end_with_parent
from config.embedded import binaries, cluster
from config.embedded.place import choose
from tests.chaos import witness
from tests.chaos.history import Transition

NAME = "chaos"
DISK_BYTES = 700_000_000
LIMIT_BYTES = 256 * 1024
MODES = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SETTINGS = {"max_wal_size": "128MB", "log_min_messages": "fatal", "deadlock_timeout": "200ms"}


class Database:
    """One server on one folder. Used by one thread: the server ends with it."""

    login, name = "postgres", NAME
    sessions = ""  # a table in which processes enter their sessions; here the witness needs none

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._settings = SETTINGS | dict(settings or {})
        self._disk = folder / "disk"
        self._disk.mkdir(mode=0o755)
        self.is_on_small_disk = _mount(self._disk)
        self._ballast = self._disk / "ballast"
        self._place = choose(self._disk / "postgres", fallback=folder / "elsewhere")
        self._log = (folder / "postgresql.log").open("ab")
        self._server: subprocess.Popen[str] | None = None
        self.is_full = False

    def start(self) -> None:
        """Start the server, recovery included; returns when it answers."""
        if not self._place.home.exists():
            self._place.create()
        programs = binaries.programs_for(self._place)
        lock = cluster.take(self._place)
        try:
            cluster.prepare(self._place, programs, lock=lock)
            self._server = cluster.start(
                self._place, programs, lock=lock, settings=self._settings, output=self._log.fileno()
            )
        finally:
            os.close(lock)

    def restart(self, mode: str) -> None:
        """End it as told, and start it: `crash` kills one of its processes, from which it recovers by itself."""
        assert self._server is not None
        if mode == "crash":
            os.kill(self._a_backend(), signal.SIGKILL)
            time.sleep(0.02)  # until the postmaster has noticed
            while not self._place.answers():
                time.sleep(0.02)
            return
        self._server.send_signal(MODES[mode])
        self._server.wait(60)
        self.start()

    def keep_running(self) -> None:
        """Start it again if it ended by itself."""
        if self._server is not None and self._server.poll() is not None and not self.is_full:
            self.start()

    def begin_copy(self, source: "Database") -> subprocess.Popen[str]:
        """Begin to copy the other server, as whose standby this one can be started after that."""
        if not self._place.home.exists():
            self._place.create()
        shutil.rmtree(self._place.cluster, ignore_errors=True)
        self._place.make_private(self._place.cluster)
        address = make_conninfo(**source.address(), application_name="standby")
        program = binaries.programs_for(self._place) / "pg_basebackup"
        return subprocess.Popen(
            [
                program,
                "-D",
                self._place.cluster,
                "-d",
                address,
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509  the director has one thread
            **self._place.identity(),
        )

    def signal_all(self, number: signal.Signals) -> None:
        """Send it to the server and all its processes."""
        for process in list(self._processes()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def forget(self) -> None:
        """Wait for the end of a killed server, which is not started again as it was."""
        if self._server is not None:
            self._server.wait(30)
        self._server = None
        self._ballast.unlink(missing_ok=True)
        self.is_full = False

    def fill(self) -> bool:
        """Leave no room on the disk; False where this user may do nothing that brings it about."""
        if not self.is_on_small_disk:
            self.is_full = self._limit_files(LIMIT_BYTES)
            return self.is_full
        self.is_full = True
        with self._ballast.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"\0" * 65536)
        return True

    def free(self) -> None:
        self.is_full = False
        self._ballast.unlink(missing_ok=True)
        if not self.is_on_small_disk:
            self._limit_files(resource.RLIM_INFINITY)
        self.keep_running()

    @property
    def socket(self) -> str:
        """The unix socket's path."""
        return f"{self._place.socket_folder}/.s.PGSQL.{self._place.connection_parameters()['port']}"

    @property
    def url(self) -> str:
        """Its database, past the network that is disturbed."""
        address = self._place.connection_parameters()
        return f"postgresql://{address['user']}@/{NAME}?host={address['host']}&port={address['port']}"

    def address(self) -> dict[str, Any]:
        """As psycopg wants it."""
        return self._place.connection_parameters()

    def connect(self, name: str = NAME) -> psycopg.Connection[Any]:
        parameters = self._place.connection_parameters()
        return psycopg.connect(**parameters, dbname=name, autocommit=True, application_name="chaos")

    def create(self) -> None:
        with self.connect("postgres") as connection:
            scratch_databases.ensure_database(connection, NAME)

    def watch(self) -> None:
        """Have the messages' table, which is there, watched from now on."""
        with self.connect() as connection:
            witness.install(connection)

    def transitions(self) -> list[Transition]:
        """What the witness saw."""
        with self.connect() as connection:
            return list(witness.read(connection))

    def close(self) -> None:
        """Stop it at once, and let go of the disk."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(10)
            cluster.stop(self._server)
        self._log.close()
        if self.is_on_small_disk:
            subprocess.run(["umount", "--lazy", str(self._disk)], check=False, capture_output=True)

    def _a_backend(self) -> int:
        with self.connect() as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " UNION ALL SELECT pg_backend_pid()"
            ).fetchone()
        assert row
        number: int = row[0]
        return number

    def _limit_files(self, size: int) -> bool:
        for number in self._processes():
            try:
                _, hard = resource.prlimit(number, resource.RLIMIT_FSIZE)
                resource.prlimit(number, resource.RLIMIT_FSIZE, (size, hard))
            except ProcessLookupError:
                continue
            except PermissionError:
                return False
        return True

    def _processes(self) -> Iterator[int]:
        if self._server is None or self._server.poll() is not None:
            return
        yield self._server.pid
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text()
        yield from map(int, children.split())


def _mount(folder: Path) -> bool:
    """Mount a small file system in memory on `folder`; False where that is not allowed."""
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", f"bookings-chaos-{os.getpid()}", str(folder)],
            check=False,
            capture_output=True,
        )
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return mounted.returncode == 0
