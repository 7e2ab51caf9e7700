"""Tells systemd how the relay is: ready, alive, stopping (sd_notify(3), service Type=notify, WatchdogSec=).

WATCHDOG=1 is sent only where the relay's loop has truly turned: on its heartbeat, and while it tries to reach a
database that is away, which is no reason to restart it. A loop that hangs sends nothing, and systemd starts it anew.
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping

STATES = {
    "relay.started": "READY=1\nSTATUS=Sending.",
    "relay.beat": "WATCHDOG=1",
    "relay.disconnected": "WATCHDOG=1",
    "relay.stopping": "STOPPING=1\nSTATUS=Finishing what is in flight.",
}


def watchdog(environ: Mapping[str, str] = os.environ) -> Callable[[str, Mapping[str, object]], None] | None:
    """The subscriber that tells systemd; None where no NOTIFY_SOCKET is set.

    Only the calling thread's events count: the listener reconnects on its own, however stuck the loop is.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return None
    loop = threading.get_ident()

    def tell(event: str, _: Mapping[str, object]) -> None:
        if event in STATES and threading.get_ident() == loop:
            _notify(address, STATES[event])

    return tell


def _notify(address: str, state: str) -> None:
    """One datagram; systemd being away for a moment is no reason to fail."""
    path = "\0" + address[1:] if address.startswith("@") else address  # an abstract socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
        try:
            sending.sendto(state.encode(), socket.MSG_DONTWAIT, path)
        except OSError:
            return
