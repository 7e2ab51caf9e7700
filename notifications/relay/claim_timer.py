"""When the relay claims next: at once after anything that may have made a message due, else at a set moment."""

import time

from notifications.relay.messages import Clock


class ClaimTimer:
    """Used by the relay's thread; any thread may call `claim_now`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._is_awaited = True
        self._claim_at = 0.0

    def claim_now(self) -> None:
        """Something happened after which there may be something to claim."""
        self._is_awaited = True

    def begin_claim(self) -> None:
        """Call before claiming: what happens from here on asks for another claim."""
        self._is_awaited = False

    def claim_in(self, seconds: float) -> None:
        """Claim again after `seconds`, if nothing happens before."""
        self._claim_at = self._clock() + seconds

    @property
    def is_due(self) -> bool:
        return self._is_awaited or self._clock() >= self._claim_at

    @property
    def seconds_left(self) -> float:
        """Until the next claim; 0 or less: now."""
        return 0.0 if self._is_awaited else self._claim_at - self._clock()
