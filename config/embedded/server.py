"""The embedded server for its users: it runs whenever they ask, and has databases by name.

A process that uses it holds the users' lock until it ends. `default` is the project's own server, in `.data/postgres`;
a test makes a Server of its own.
"""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from config import scratch_databases
from config.embedded import binaries, locks
from config.embedded.place import FALLBACK, Place, choose
from config.embedded.slots import claim_slot
from config.environment import BASE_DIR

LINGER_SECONDS = 3.0  # how long the server stays after its last user, so that the next command finds it running


class Server:
    """The embedded server of one folder."""

    def __init__(self, folder: Path, *, fallback: Path = FALLBACK, linger_seconds: float = LINGER_SECONDS) -> None:
        self.folder = folder
        self.fallback = fallback
        self.linger_seconds = linger_seconds
        self._mutex = threading.Lock()
        self._held: int | None = None
        os.register_at_fork(after_in_child=self._after_fork)

    @functools.cached_property
    def place(self) -> Place:
        return choose(self.folder, fallback=self.fallback)

    def hold(self) -> None:
        """Count as a user of the server until this process ends. A forked child must call this itself."""
        with self._mutex:
            if self._held is not None and locks.is_of(self._held, self.place.users_lock):
                return
            self.let_go()
            try:
                self.place.create()
                self._held = locks.shared(self.place.users_lock)
            except OSError as error:
                raise ImproperlyConfigured(
                    f"The embedded PostgreSQL cannot use {self.place.home}: {error.strerror}."
                ) from error

    def let_go(self) -> None:
        """Stop counting as a user."""
        if self._held is not None:
            os.close(self._held)
        self._held = None

    def ensure_running(self) -> dict[str, Any]:
        """Start the server unless it answers. Returns what libpq needs to reach it. Raises OperationalError.

        A server whose supervisor was killed may still answer for a moment.
        """
        self.hold()
        if not (locks.is_held(self.place.supervisor_lock) and self.place.answers()):
            self._start()
        return self.place.connection_parameters()

    def ensure_database(self, name: str) -> None:
        """Make the database `name` unless it exists."""
        with self._maintenance() as connection:
            scratch_databases.ensure_database(connection, name)

    def database_url(self, name: str) -> str:
        """The database `name` as a DATABASE_URL for child processes that end before this one."""
        address = self.place.connection_parameters()
        where = urlencode({"host": address["host"], "port": address["port"]}, safe="/")
        return f"postgresql://{address['user']}@/{quote(name, safe='')}?{where}"

    @contextmanager
    def claim_database(self, prefix: str) -> Iterator[str]:
        """Claim a database for this run: the first of `prefix`, `prefix_2`, … that no other run has claimed."""
        with self._maintenance() as connection:
            name = claim_slot(connection, prefix)
            self.ensure_database(name)
            yield name

    def _maintenance(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(**self.ensure_running(), dbname="postgres", autocommit=True)

    def _start(self) -> None:
        binaries.installed()
        arguments = [str(self.folder), str(self.fallback), str(self.linger_seconds)]
        started = subprocess.run(
            [sys.executable, "-m", "config.embedded.supervisor", *arguments],
            cwd=BASE_DIR,
            start_new_session=True,  # Ctrl-C is for this process, not for the server
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if started.returncode:
            raise OperationalError(f"The embedded PostgreSQL is not available: {started.stderr.strip()}")

    def _after_fork(self) -> None:
        self.let_go()
        self._mutex = threading.Lock()  # another thread of the parent may have held the old one


@functools.cache
def default() -> Server:
    """The project's own server."""
    return Server(BASE_DIR / ".data" / "postgres")


def ensure_running() -> dict[str, Any]:
    return default().ensure_running()


def database_url(name: str) -> str:
    return default().database_url(name)


def claim_database(prefix: str) -> AbstractContextManager[str]:
    return default().claim_database(prefix)
