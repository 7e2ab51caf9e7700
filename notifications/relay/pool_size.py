"""The rules for how many threads a channel has and how many messages it takes in hand. No threads here.

Threads that wait for a provider cost nothing. Threads that all want the processor only slow each other down, because
one interpreter runs one thread at a time. So a pool grows while its threads wait, and shrinks when they crowd the
processor.
"""

import math
from typing import NamedTuple

AVERAGE_MESSAGES = 100  # over which a pace is averaged
LEAST_SECONDS = 1e-5  # that a message costs a thread, even if it is not sent
FEWEST_THREADS = 1  # two threads that only compete for the interpreter send less than one
LOOK_SECONDS = 0.005  # how often a pool may change its size
UNENDED_SECONDS = 0.05  # how often it may grow while no send ends: a first one also waits for files that it reads
WAITING_SHARE = 0.25  # threads that use the processor for less of their time than this wait for a provider
CROWDED_SHARE = 0.8  # of a processor, used by a pool's threads together: more threads would only be in the way


class Usage(NamedTuple):
    """What threads used: `seconds` of observation, and, summed over the threads, of processor time and of work, and
    how many messages they ended.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    busy: float = 0.0
    ended: int = 0

    def __add__(self, other: tuple[float, ...]) -> "Usage":  # type: ignore[override]
        seconds, cpu, busy, ended = other
        return Usage(self.seconds + seconds, self.cpu + cpu, self.busy + busy, self.ended + int(ended))


class Pace:
    """How many messages a second one thread of a channel can do: a moving average over the last hundred or so.

    It is measured on the messages themselves and known from the first ones on. Counting what was done in a second would
    only show how much the relay had claimed.
    """

    def __init__(self) -> None:
        self.per_second = 0.0

    def add(self, messages: int, seconds: float) -> None:
        """Take `messages` into account, on which `seconds` were spent."""
        if messages:
            weight = 1.0 - math.exp(-messages / AVERAGE_MESSAGES)
            self.per_second += weight * (messages / max(seconds, messages * LEAST_SECONDS) - self.per_second)


class PoolSize:
    """How many threads a pool should have: `threads`, from FEWEST_THREADS to `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._observed = Usage()
        self.threads = min(FEWEST_THREADS, most)

    @property
    def is_largest(self) -> bool:
        return self.threads >= self._most

    def observe(self, usage: Usage) -> None:
        """Take into account what the threads used while messages waited; every LOOK_SECONDS the size may change."""
        self._observed += usage
        if self._observed.seconds >= (LOOK_SECONDS if self._observed.ended else UNENDED_SECONDS):
            self._decide(self._observed)
            self.forget()

    def forget(self) -> None:
        """Observe from the beginning: no message waits, so the threads show nothing."""
        self._observed = Usage()

    def _decide(self, observed: Usage) -> None:
        if observed.cpu > CROWDED_SHARE * observed.seconds:
            self.threads = max(self.threads // 2, FEWEST_THREADS)
        elif observed.cpu <= WAITING_SHARE * observed.busy:
            self.threads = min(2 * self.threads, self._most)
