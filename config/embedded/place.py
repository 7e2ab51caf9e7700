"""Chooses the folder of an embedded PostgreSQL, and the account that runs it.

An ordinary user runs it in the requested folder. PostgreSQL refuses to run as root, so root runs it as another account.
If that account cannot enter the folder's parents, the server lives under `fallback` instead. Existing folders keep
their permissions.
"""

import hashlib
import os
import pwd
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import pq
from psycopg.conninfo import make_conninfo

FALLBACK = Path("/var/lib/bookings-outbox")
PORT = 5432  # only the socket's name; said everywhere, because PGPORT may say otherwise
ROLE = "postgres"
SOCKET_FOLDER_MAX_BYTES = 90  # a socket's whole path, with its name of 14 bytes, has 107 at most


@dataclass(frozen=True)
class Place:
    """The folder of one embedded server, and the account that runs it."""

    home: Path
    account: pwd.struct_passwd
    is_elsewhere: bool = False

    @property
    def is_run_by_us(self) -> bool:
        return self.account.pw_uid == os.geteuid()

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def users_lock(self) -> Path:
        """Held shared by every process that uses the server."""
        return self.home / "users.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the one process that starts the server and stops it."""
        return self.home / "supervisor.lock"

    @property
    def server_lock(self) -> Path:
        """Held by every PostgreSQL process that has the cluster open. If it is free, none is left."""
        return self.home / "server.lock"

    @property
    def socket_folder(self) -> Path:
        beside = self.home / "socket"
        if len(os.fsencode(beside)) <= SOCKET_FOLDER_MAX_BYTES:
            return beside
        return Path("/tmp") / f"bookings-postgres-{_digest(self.home)}"  # noqa: S108  made private before use

    def connection_parameters(self) -> dict[str, Any]:
        """The parameters with which libpq reaches this server, and no other that listens in its place."""
        host = str(self.socket_folder)
        return {"host": host, "port": PORT, "user": ROLE, "requirepeer": self.account.pw_name}

    def answers(self) -> bool:
        """Whether the server takes connections. It tries one, because the server's files outlive it."""
        conninfo = make_conninfo(**self.connection_parameters(), dbname="postgres", connect_timeout=5)
        return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK

    def create(self) -> None:
        """Make the missing folders. If the server lives in another folder than requested, say so once."""
        missing = [folder for folder in (self.home, *self.home.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700 if self.is_run_by_us else 0o755)
        if self.home in missing and self.is_elsewhere:
            print(f"The embedded PostgreSQL's data are in {self.home}.", file=sys.stderr)

    def make_private(self, folder: Path) -> None:
        """Make a folder that only the account may enter. Raises PermissionError if it belongs to somebody else."""
        if not folder.is_symlink() and not folder.exists():
            folder.mkdir(mode=0o700)
            self.give(folder)
        found = folder.lstat()
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid != self.account.pw_uid
            or stat.S_IMODE(found.st_mode) & 0o077
        ):
            raise PermissionError(f"{folder} is not a private folder of {self.account.pw_name}, who runs PostgreSQL")

    def give(self, path: Path) -> None:
        if not self.is_run_by_us:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def identity(self) -> dict[str, Any]:
        """Arguments of subprocess that run a program as the account."""
        if self.is_run_by_us:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def may(self, access: str, path: Path) -> bool:
        """Whether the account has `access` ("-x", "-r") to `path`: the kernel is asked, as that account."""
        return subprocess.run(["test", access, str(path)], check=False, **self.identity()).returncode == 0  # noqa: S607


def choose(folder: Path, *, fallback: Path = FALLBACK) -> Place:
    """The place for a server that should live in `folder`."""
    folder = folder.resolve()
    if os.geteuid() != 0:
        return Place(folder, _own_account())
    place = Place(folder, _account(folder))
    existing = next(ancestor for ancestor in (folder, *folder.parents) if ancestor.exists())
    if place.may("-x", existing):
        return place
    elsewhere = fallback / _digest(folder)
    return Place(elsewhere, _account(elsewhere), is_elsewhere=True)


def _own_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        raise ImproperlyConfigured(
            f"PostgreSQL refuses to run as user {os.geteuid()}, who has no name on this machine: set DATABASE_URL."
        ) from None


def _account(home: Path) -> pwd.struct_passwd:
    """The account that runs the server for root: the data's owner, else `postgres`, else `nobody`."""
    cluster = home / "cluster"
    if cluster.exists() and (owner := cluster.stat().st_uid):
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
