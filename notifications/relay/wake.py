"""Ends the relay thread's sleep early, from any thread and from a signal handler."""

from contextlib import suppress
from queue import Empty, SimpleQueue


class Wake:
    """One sleeper, many that wake it.

    A threading.Event would deadlock when a signal arrives while its own lock is held; SimpleQueue's `put` is reentrant.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[None] = SimpleQueue()
        self._is_set = False

    def set(self) -> None:
        if not self._is_set:
            self._is_set = True
            self._queue.put(None)

    def wait(self, timeout: float) -> None:
        """Sleep until woken, for `timeout` seconds at most.

        Anything that happened before this returns is visible to the caller.
        """
        with suppress(Empty):
            self._queue.get(timeout=max(timeout, 0.0))
        self._is_set = False
