"""Kernel locks on files (flock): the kernel releases a process's lock when the process ends, however it ends."""

import fcntl
import os
import stat
from pathlib import Path


def shared(path: Path) -> int:
    """Wait for a shared lock; held until the returned descriptor is closed."""
    return _locked(path, fcntl.LOCK_SH)


def try_exclusive(path: Path) -> int | None:
    """The descriptor of an exclusive lock, or None while anybody else holds one."""
    try:
        return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def is_held(path: Path) -> bool:
    """Whether anybody holds a lock on the file."""
    descriptor = try_exclusive(path)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def is_of(descriptor: int, path: Path) -> bool:
    """Whether the lock is still on the file of that name, because the folder may have been deleted and made again."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _locked(path: Path, operation: int) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        _make_private(descriptor, path)
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _make_private(descriptor: int, path: Path) -> None:
    """The file is the folder's owner's alone, also where root made it: whoever can open it could hold its lock."""
    found, owner = os.fstat(descriptor), path.parent.stat().st_uid
    if os.geteuid() == 0 and found.st_uid != owner:
        os.fchown(descriptor, owner, -1)
    if stat.S_IMODE(found.st_mode) & 0o077 and os.geteuid() in (0, found.st_uid):
        os.fchmod(descriptor, 0o600)
