"""Hears the relays under a supervisor. They tell it what they would tell systemd (sd_notify(3)): ready, alive.

On Linux only; elsewhere nothing is heard, and nothing is expected.
"""

import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7)
READY = "READY=1"


class LifeSigns:
    """A socket for all relays; the kernel says which process sent what, so nobody else can speak for a relay."""

    def __init__(self) -> None:
        self._sock: socket.socket | None = None
        self.address = ""  # as NOTIFY_SOCKET names it; empty if nothing can be heard
        if sys.platform == "linux":
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._sock.bind("")  # the kernel picks a free name, which is no file
            self.address = f"@{self._sock.getsockname()[1:].decode()}"

    def wait(self, seconds: float) -> None:
        """Return once something can be read, or after `seconds`."""
        if self._sock is None:
            time.sleep(seconds)
        else:
            select.select([self._sock], [], [], seconds)

    def read(self) -> Iterator[tuple[int, str]]:
        """What was said since the last call, each with the process that said it."""
        if self._sock is None or sys.platform != "linux":
            return
        with suppress(BlockingIOError):
            while True:
                said, [(_, _, credentials), *_], *_ = self._sock.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
                yield _CREDENTIALS.unpack(credentials)[0], said.decode(errors="replace")

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
