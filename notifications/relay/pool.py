"""The sending threads of one channel, and the queue in front of them."""

import itertools
import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, SimpleQueue

from notifications.relay.messages import Claimed, Clock
from notifications.relay.pool_size import Pace, PoolSize, Usage
from notifications.relay.thread_usage import ThreadUsage

PREFETCH_SECONDS = 0.1  # of work claimed ahead; if the relay is killed, all of these have an unknown outcome


class Pool:
    """Threads that call `work` for each message put in, each `within` a context of its own. All methods belong to the
    relay's thread.
    """

    def __init__(
        self,
        name: str,
        *,
        concurrency: int,
        most: int,
        work: Callable[[Claimed], None],
        clock: Clock,
        within: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.name = name
        self._concurrency = concurrency
        self._most = most
        self._work = work
        self._within = within
        self._clock = clock
        self._queue: SimpleQueue[Claimed] = SimpleQueue()
        self._size = PoolSize(concurrency)
        self.threads = 0
        self._changing = threading.Lock()
        self._numbers = itertools.count()
        self._usages: dict[int, ThreadUsage] = {}  # by thread; of those that live
        self._ended = Usage()  # of those that have ended
        self._watched: tuple[Usage, float] | None = None  # usage and time at `begin_watch`
        self.in_flight = 0  # claimed and not settled; counted by the relay's thread alone
        self.pace = Pace()
        self.filled_at = 0.0  # when the last message was put in
        self.busy_since = 0.0  # when the first of those in flight was put in, as far as one has been ever since
        self.ended_at = 0.0  # when the last send ended, whether it is counted yet or not; written by the threads

    @property
    def room(self) -> int:
        """How many more messages may be claimed for this channel now."""
        prefetch = math.ceil(self.threads * self.pace.per_second * PREFETCH_SECONDS)
        return max(0, min(self._concurrency + prefetch, self._most) - self.in_flight)

    def put(self, message: Claimed) -> None:
        self.filled_at = self._clock()
        if not self.in_flight:
            self.busy_since = self.filled_at
        self.in_flight += 1
        self._queue.put(message)
        self._start_threads()

    def take_back(self) -> list[Claimed]:
        """Remove and return the messages that no thread has begun."""
        unbegun: list[Claimed] = []
        while True:
            try:
                unbegun.append(self._queue.get_nowait())
            except Empty:
                return unbegun

    @property
    def may_grow(self) -> bool:
        """Whether messages wait, and more threads may be started for them."""
        return not self._size.is_largest and not self._queue.empty()

    def begin_watch(self) -> None:
        """Begin to observe the threads; the relay's thread now leaves the interpreter to them."""
        self._watched = None if self._queue.empty() else (self._usage(), self._clock())

    def resize(self) -> None:
        """End the watch: start threads, or let some end, by what was observed. Without a queue nothing is learnt."""
        if self._watched is None or self._queue.empty():
            self._size.forget()
            return
        before, began = self._watched
        after = self._usage()
        seconds, ended = self._clock() - began, after.ended - before.ended
        self._size.observe(Usage(seconds, after.cpu - before.cpu, after.busy - before.busy, ended))
        self._start_threads()

    def _usage(self) -> Usage:
        """The usage of all threads so far, including those that have ended."""
        with self._changing:
            return sum([usage.read() for usage in self._usages.values()], self._ended)

    def _start_threads(self) -> None:
        while self.threads < min(self._size.threads, self.in_flight):
            with self._changing:
                self.threads += 1
            threading.Thread(target=self._serve, name=f"send-{self.name}", daemon=True).start()

    def _serve(self) -> None:
        with self._within():
            self._work_on()

    def _work_on(self) -> None:
        number, usage = next(self._numbers), ThreadUsage(self._clock)
        with self._changing:
            self._usages[number] = usage
        while not self._ends_as_superfluous(number):
            message = self._queue.get()
            usage.begin(self._clock())
            self._work(message)
            self.ended_at = ended = self._clock()
            usage.end(ended)

    def _ends_as_superfluous(self, number: int) -> bool:
        """Sign off the calling thread, whose number this is, if there are too many. True: it must end."""
        if self.threads <= self._size.threads:
            return False
        with self._changing:
            if self.threads <= self._size.threads:
                return False
            self.threads -= 1
            self._ended += self._usages.pop(number).read()
            return True
