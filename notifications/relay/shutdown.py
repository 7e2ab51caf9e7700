"""What may end a relay: a signal or an operator's command to stop or drain, and the grace after it. The loop asks, and
knows what is in flight and what is left to send.
"""

import time

from notifications.relay.messages import Clock
from notifications.relay.wake import Wake

STOP, DRAIN = "stop", "drain"  # the commands an operator can give a running relay


class Shutdown:
    """Whether this relay is to end, and by when. `grace` is in seconds, from the first request on."""

    def __init__(self, *, grace: float, is_draining: bool, wake: Wake, clock: Clock = time.monotonic) -> None:
        self._grace = grace
        self._wake = wake
        self._clock = clock
        self._ends_at: float | None = None
        self.is_draining = is_draining

    def request(self) -> None:
        """Stop claiming and let the grace begin; a second request ends the grace. Safe in a signal handler."""
        now = self._clock()
        self._ends_at = now if self._ends_at is not None else now + self._grace
        self._wake.set()

    def begin_grace(self) -> None:
        """Let the grace begin, unless it has begun already."""
        if self._ends_at is None:
            self._ends_at = self._clock() + self._grace

    def handle_command(self, command: str) -> None:
        """Do what an operator ordered: `stop` as a signal would, `drain` as the option does. Empty: nothing."""
        if command == DRAIN:
            self.is_draining = True
        elif command == STOP and self._ends_at is None:
            self.request()

    @property
    def is_requested(self) -> bool:
        return self._ends_at is not None

    @property
    def is_over(self) -> bool:
        """Whether the grace has ended: the relay waits for nothing any more."""
        return self._ends_at is not None and self._clock() >= self._ends_at

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`, or until something happens."""
        self._wake.wait(seconds)
