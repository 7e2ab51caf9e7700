"""Knows whether a relay's loop turns: it sends heartbeats, or it is trying to reach an unreachable database. In the
first case it is ready as well.
"""

import threading
import time
from collections.abc import Callable, Mapping

TURNS = frozenset({"relay.beat", "relay.disconnected"})

# A turn takes a heartbeat's 0.6 s, unless the database hangs: a peer that vanished is noticed after about 30 s.
STUCK_SECONDS = 60.0


class Liveness:
    """A telemetry subscriber. Only events of the thread that made it count, the loop's, because the listener's
    thread reconnects even if the loop hangs.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop = threading.get_ident()
        self._turned_at = clock()
        self._is_sending = False

    def __call__(self, event: str, _: Mapping[str, object]) -> None:
        if event in TURNS and threading.get_ident() == self._loop:
            self._turned_at = self._clock()
            self._is_sending = event == "relay.beat"

    def is_alive(self) -> bool:
        return self._clock() - self._turned_at < STUCK_SECONDS

    def is_ready(self) -> bool:
        return self._is_sending and self.is_alive()
