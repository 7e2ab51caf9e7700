"""Reports the relay's state to systemd: ready, alive, stopping (sd_notify(3), service Type=notify, WatchdogSec=).

WATCHDOG=1 is sent only when the loop turns: at its heartbeat, and while it tries to reach an unreachable database,
which is no reason for a restart. If the loop hangs, nothing is sent, and systemd restarts the relay.
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
    """The telemetry subscriber that reports to systemd; None if NOTIFY_SOCKET is not set.

    Only events of the calling thread count, because the listener's thread reconnects even if the loop hangs.
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
    """Send one datagram. If systemd cannot be reached, nothing fails."""
    path = "\0" + address[1:] if address.startswith("@") else address  # an abstract socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
        try:
            sending.sendto(state.encode(), socket.MSG_DONTWAIT, path)
        except OSError:
            return
