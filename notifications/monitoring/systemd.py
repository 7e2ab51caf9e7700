"""Reports the relay's state to systemd: ready, alive, stopping (sd_notify(3), service Type=notify, WatchdogSec=).

WATCHDOG=1 is sent only when the loop turns: at its heartbeat, and while it tries to reach an unreachable database,
which is no reason for a restart. If the loop hangs, nothing is sent, and systemd restarts the relay. Of several loops,
one for each database, all must turn, and READY=1 waits for all.
"""

import os
import socket
from collections.abc import Callable, Mapping, Sequence

from notifications.monitoring.liveness import ONE, Liveness
from notifications.telemetry import current_loop

STATES = {
    "relay.started": "READY=1\nSTATUS=Sending.",
    "relay.beat": "WATCHDOG=1",
    "relay.disconnected": "WATCHDOG=1",
    "relay.stopping": "STOPPING=1\nSTATUS=Finishing what is in flight.",
}


def watchdog(
    environ: Mapping[str, str] = os.environ, *, loops: Sequence[str] = ONE
) -> Callable[[str, Mapping[str, object]], None] | None:
    """The telemetry subscriber that reports to systemd; None if NOTIFY_SOCKET is not set.

    Only events of the calling thread count, or else of the `loops`, which `liveness` explains.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return None
    liveness = Liveness(loops)
    awaited = {event: set(loops) for event in ("relay.started", "relay.stopping")}  # from each loop, until all have

    def tell(event: str, fields: Mapping[str, object]) -> None:
        is_of_a_loop = liveness.is_of_a_loop()
        liveness(event, fields)
        if event not in STATES or not is_of_a_loop or not liveness.is_alive():
            return
        if loops_left := awaited.get(event):
            loops_left.discard(current_loop.get())
            if loops_left:
                return
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
