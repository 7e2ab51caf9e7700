"""Whether a relay's loop turns: it beats, or it is trying to reach a database that is away."""

import threading
import time
from collections.abc import Callable, Mapping

TURNS = frozenset({"relay.beat", "relay.disconnected"})

# A turn takes a heartbeat's 0.6 s, unless the database hangs: a peer that vanished is noticed after about 30 s.
STUCK_SECONDS = 60.0


class Liveness:
    """Subscribes to telemetry, by calling it. Only the thread that made it counts, the loop's: the listener reconnects
    on its own, however stuck the loop is.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop = threading.get_ident()
        self._turned_at = clock()

    def __call__(self, event: str, _: Mapping[str, object]) -> None:
        if event in TURNS and threading.get_ident() == self._loop:
            self._turned_at = self._clock()

    def is_alive(self) -> bool:
        return self._clock() - self._turned_at < STUCK_SECONDS
