"""Two transactions, statement by statement, in an order that the test decides.

Each runs in a thread of its own and stops before every statement, and before its commit. The test lets one at a time go
on; that one waits for a lock of the other's is seen in the database, and then the other has its turn.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from tests.stage.locks import waiting_for_a_lock
from tests.stage.waiting import wait_until

GLANCE_SECONDS = 0.002  # most statements take less; after it, the database is asked whether this one is waiting


class State(Enum):
    RUNNING = "running"
    STOPPED = "stopped before a statement"
    WAITING = "waiting for a lock"
    DONE = "done"


class Turn:
    """One of the two: `play` is called with it, sets its `pid`, and passes its gate before each statement."""

    def __init__(self, move: Any, *, commits: bool, play: Callable[["Turn"], Any]) -> None:
        self.move, self.commits = move, commits
        self.state = State.RUNNING
        self.pid = 0  # of the server's process behind its connection
        self.has_waited = False
        self.stops = 0
        self.result: Any = None
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._may_go = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=[play], daemon=True)
        self._thread.start()

    def gate(self) -> None:
        """Stop here until it is our turn."""
        self.stops += 1
        self._become(State.STOPPED)
        assert self._may_go.acquire(timeout=20)

    def go_on(self) -> None:
        self.state = State.RUNNING
        self._may_go.release()

    def come_to_a_stop(self, *, may_wait: bool) -> None:
        """Return once it is at its next gate, at its end, or, if it `may_wait`, at a lock."""
        wait_until(lambda: self._has_stopped(may_wait=may_wait), pause=0)

    def end(self) -> None:
        """Raises what went wrong in it."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error

    def _run(self, play: Callable[["Turn"], Any]) -> None:
        try:
            self.gate()
            self.result = play(self)
        except BaseException as error:  # noqa: BLE001  (told by the test)
            self._error = error
        finally:
            self._become(State.DONE)

    def _become(self, state: State) -> None:
        with self._changed:
            self.state = state
            self._changed.notify()

    def _has_stopped(self, *, may_wait: bool) -> bool:
        with self._changed:
            if self._changed.wait_for(lambda: self.state in (State.STOPPED, State.DONE), timeout=GLANCE_SECONDS):
                return True
        if not (may_wait and self.pid in waiting_for_a_lock()):
            return False
        with self._changed:
            if self.state is State.RUNNING:
                self.state, self.has_waited = State.WAITING, True
        return True


def interleave(first: Turn, second: Turn, order: Iterable[bool]) -> list[Turn]:
    """Let them have their turns in this order (True: the first), and then go on to their ends, the first first.

    Returns them in the order in which they ended.
    """
    turns, ended = deque(order), list[Turn]()
    for each in (first, second):
        each.come_to_a_stop(may_wait=False)
    while len(ended) < 2:
        wanted, other = (first, second) if not turns or turns.popleft() else (second, first)
        able = [each for each in (wanted, other) if each.state is State.STOPPED]
        assert able, "each waits for the other"
        able[0].go_on()
        for each in (able[0], wanted if able[0] is other else other):
            if each.state is State.WAITING:  # by now it may have its lock
                each.state = State.RUNNING
            each.come_to_a_stop(may_wait=not ended)
            if each.state is State.DONE and each not in ended:
                ended.append(each)
    for each in ended:
        each.end()
    return ended
