"""What a sending thread uses of the processor and of its time, readable by another thread in the middle of a send.

Usage that is known only once a send has ended comes too late: a first message, whose templates are read meanwhile,
would look like one whose provider is waited for, and the pool would get threads that only crowd the processor.
"""

import threading
import time
from contextlib import suppress

from notifications.relay.messages import Clock
from notifications.relay.pool_size import Usage


class ThreadUsage:
    """Made and written by the thread that it is about; any thread may read it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Seconds of work that ended, how many messages, and when the next began. One assignment changes all three.
        self._work: tuple[float, int, float | None] = (0.0, 0, None)
        self._processor = _processor_clock()
        self._cpu = 0.0

    def begin(self, now: float) -> None:
        """A message is begun."""
        busy, ended, _ = self._work
        self._work = (busy, ended, now)

    def end(self, now: float) -> None:
        """It has ended."""
        busy, ended, began = self._work
        self._work = (busy + (0.0 if began is None else now - began), ended + 1, None)
        if self._processor is None:
            self._cpu = time.thread_time()

    def read(self) -> Usage:
        """All that was used so far, with the message that is under way."""
        busy, ended, began = self._work
        under_way = 0.0 if began is None else self._clock() - began
        if self._processor is not None:
            with suppress(OSError):  # the thread is gone
                self._cpu = time.clock_gettime(self._processor)
        return Usage(cpu=self._cpu, busy=busy + under_way, ended=ended)


def _processor_clock() -> int | None:
    """The clock of the calling thread's processor time, for others to read; None where there is none, as on macOS."""
    return time.pthread_getcpuclockid(threading.get_ident()) if hasattr(time, "pthread_getcpuclockid") else None
