"""Knows whether a relay's loops turn: each sends heartbeats, or is trying to reach an unreachable database. If all are
in the first case, the process is ready as well.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from notifications.telemetry import current_loop

TURNS = frozenset({"relay.beat", "relay.disconnected"})
ONE = ("",)  # the loop of a process that has one, which runs in the thread that watches it

# A turn takes a heartbeat's 0.6 s, unless the database hangs: a peer that vanished is noticed after about 30 s.
STUCK_SECONDS = 60.0


class Liveness:
    """A telemetry subscriber. Only events of the loops' threads count, because a listener's thread reconnects even if
    its loop hangs. `loops` are their databases, if there are several.
    """

    def __init__(self, loops: Sequence[str] = ONE, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made_in = threading.get_ident()
        self._turned_at = dict.fromkeys(loops, clock())
        self._is_sending = dict.fromkeys(loops, False)

    def __call__(self, event: str, _: Mapping[str, object]) -> None:
        if event in TURNS and self.is_of_a_loop():
            self._turned_at[current_loop.get()] = self._clock()
            self._is_sending[current_loop.get()] = event == "relay.beat"
        elif event == "relay.stopped" and len(self._turned_at) > 1:  # the others go on
            self._turned_at.pop(current_loop.get(), None)
            self._is_sending.pop(current_loop.get(), None)

    def is_of_a_loop(self) -> bool:
        """Whether the calling thread runs a loop."""
        return current_loop.get() in self._turned_at if current_loop.get() else threading.get_ident() == self._made_in

    def is_alive(self) -> bool:
        return all(self._clock() - turned_at < STUCK_SECONDS for turned_at in list(self._turned_at.values()))

    def is_ready(self) -> bool:
        return all(list(self._is_sending.values())) and self.is_alive()
