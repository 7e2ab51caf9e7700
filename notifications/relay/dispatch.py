"""Sends claimed messages on a pool of threads per channel, so that a slow provider takes no thread from a fast one.

Threads that wait for a provider are free; threads that all want the processor only hinder each other (one interpreter
runs one at a time). So each pool has as many as keep the processor busy, up to the concurrency asked for.
"""

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from typing import NamedTuple

from notifications.relay.delivery import Delivery, handed_back
from notifications.relay.messages import Claimed, Clock, Settlement

PREFETCH_SECONDS = 0.1  # of work at the present pace, claimed ahead of the threads; a kill leaves all of it unknown
AVERAGE_MESSAGES = 100
LEAST_SECONDS = 1e-5  # that a message takes a thread, if it is not even sent
FEWEST_THREADS = 1  # two that never wait for anything but each other send less than one
LOOK_SECONDS = 0.005  # how often a pool may change its size
NOTE_SECONDS = LOOK_SECONDS / 10  # how often a thread writes its usage down, which takes 1 µs or 2
WAITING_SHARE = (
    0.25  # of the time that threads spend on messages: using the processor for less, they wait for a provider
)
CROWDED_SHARE = 0.8  # of a processor, used by a pool's threads together: more threads would only be in each other's way


class Usage(NamedTuple):
    """Seconds that were looked at, and in them, over all threads: of processor time, and spent on messages."""

    seconds: float = 0.0
    cpu: float = 0.0
    busy: float = 0.0

    def __add__(self, other: tuple[float, ...]) -> "Usage":  # type: ignore[override]
        return Usage(*map(sum, zip(self, other, strict=True)))


class Pace:
    """How many messages a second one thread of a channel can do: a moving average over the last hundred or so.

    It is known from the first messages on. How many were done shows only what the relay had claimed for the threads.
    """

    def __init__(self) -> None:
        self.per_second = 0.0

    def add(self, messages: int, seconds: float) -> None:
        """Take `messages` into account, on which `seconds` were spent."""
        if messages:
            weight = 1.0 - math.exp(-messages / AVERAGE_MESSAGES)
            self.per_second += weight * (messages / max(seconds, messages * LEAST_SECONDS) - self.per_second)


class Pool:
    """The sending threads of one channel, and the queue in front of them."""

    def __init__(
        self, name: str, *, concurrency: int, most: int, work: Callable[[Claimed], None], clock: Clock
    ) -> None:
        self.name = name
        self._concurrency = concurrency
        self._most = most
        self._work = work
        self._queue: SimpleQueue[Claimed] = SimpleQueue()
        self.threads = 0
        self._wanted = FEWEST_THREADS
        self._changing = threading.Lock()
        self._numbers = itertools.count()
        self._usages: dict[int, Usage] = {}  # of each thread there is: one writer each
        self._ended = Usage()  # of those that have ended
        self._clock = clock
        self._watch = Usage()
        self.in_flight = 0  # claimed and not settled; counted by the relay's thread alone
        self.pace = Pace()

    @property
    def room(self) -> int:
        """How many more messages may be claimed for this channel now."""
        prefetch = math.ceil(self.threads * self.pace.per_second * PREFETCH_SECONDS)
        return max(0, min(self._concurrency + prefetch, self._most) - self.in_flight)

    def put(self, message: Claimed) -> None:
        self.in_flight += 1
        self._queue.put(message)
        self._start_threads()

    @property
    def may_grow(self) -> bool:
        """Whether messages wait, and more threads may be started for them."""
        return self._wanted < self._concurrency and not self._queue.empty()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the threads while the relay's own thread sleeps within this block, and leaves them the interpreter.

        Grow if messages wait while the threads wait for something other than the processor; shrink if they crowd it.
        """
        if self._queue.empty():
            self._watch = Usage()  # with nothing waiting there is nothing to learn
            yield
            return
        before, began = self._usage(), self._clock()
        yield
        if self._queue.empty():
            self._watch = Usage()
            return
        after = self._usage()
        self._watch += Usage(self._clock() - began, after.cpu - before.cpu, after.busy - before.busy)
        if self._watch.seconds >= LOOK_SECONDS:
            self._resize(self._watch)
            self._watch = Usage()

    def _resize(self, seen: "Usage") -> None:
        if seen.cpu > CROWDED_SHARE * seen.seconds:
            self._wanted = max(self._wanted // 2, FEWEST_THREADS)
        elif seen.cpu <= WAITING_SHARE * seen.busy:
            self._wanted = min(2 * self._wanted, self._concurrency)
            self._start_threads()

    def _usage(self) -> "Usage":
        """Of all threads so far, those that have ended included."""
        with self._changing:
            return sum(list(self._usages.values()), self._ended)

    def take_back(self) -> list[Claimed]:
        """The messages that no thread has begun."""
        unbegun: list[Claimed] = []
        while True:
            try:
                unbegun.append(self._queue.get_nowait())
            except Empty:
                return unbegun

    def _start_threads(self) -> None:
        while self.threads < min(self._wanted, self.in_flight):
            with self._changing:
                self.threads += 1
            threading.Thread(target=self._serve, name=f"send-{self.name}", daemon=True).start()

    def _serve(self) -> None:
        number, busy, noted_at = next(self._numbers), 0.0, self._clock()
        while not self._is_superfluous(number):
            message = self._queue.get()
            began = self._clock()
            self._work(message)
            ended = self._clock()
            busy += ended - began
            if ended - noted_at >= NOTE_SECONDS:
                self._usages[number] = Usage(cpu=time.thread_time(), busy=busy)
                noted_at = ended

    def _is_superfluous(self, number: int) -> bool:
        """Whether the calling thread, of this number, is one too many; it then must end."""
        if self.threads <= self._wanted:
            return False
        with self._changing:
            if self.threads <= self._wanted:
                return False
            self.threads -= 1
            self._ended += self._usages.pop(number, Usage())
            return True


class Dispatcher:
    """The pools of all channels of a relay. Used by the relay's thread; sending threads call `on_done`."""

    def __init__(
        self,
        delivery: Delivery,
        channels: Collection[str],
        *,
        concurrency: int,
        most: int,
        on_done: Callable[[], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._delivery = delivery
        self._on_done = on_done
        self._done: deque[Settlement] = deque()
        self.in_hand: set[int] = set()  # the ids of what is in flight
        self._pools = {
            name: Pool(name, concurrency=concurrency, most=max(most, concurrency), work=self._deliver, clock=clock)
            for name in channels
        }

    @property
    def in_flight(self) -> int:
        """Messages that are claimed and not yet collected."""
        return sum(pool.in_flight for pool in self._pools.values())

    @property
    def done(self) -> int:
        """Settlements that wait to be collected."""
        return len(self._done)

    @property
    def may_grow(self) -> bool:
        """Whether a pool may soon have more threads: `adapt` then wants to be called often."""
        return any(pool.may_grow for pool in self._pools.values())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Give each pool as many threads as are of use to it, by what they do while the caller sleeps in this block."""
        with ExitStack() as stack:
            for pool in self._pools.values():
                stack.enter_context(pool.watched())
            yield

    def room(self) -> dict[str, int]:
        """How many messages each channel could take now; channels that are full are left out."""
        rooms = {name: pool.room for name, pool in self._pools.items()}
        return {name: room for name, room in rooms.items() if room > 0}

    def submit(self, messages: Collection[Claimed]) -> None:
        """Send `messages`, each channel's in the order given, as threads come free."""
        for message in messages:
            self.in_hand.add(message.id)
            self._pools[message.channel].put(message)

    def collect(self) -> list[Settlement]:
        """The settlements that have come in since the last call."""
        done: list[Settlement] = []
        while self._done:
            done.append(self._done.popleft())
        ended = dict.fromkeys(self._pools, 0)
        spent = dict.fromkeys(self._pools, 0.0)
        for settlement in done:
            ended[settlement.message.channel] += 1
            spent[settlement.message.channel] += settlement.ended - settlement.began
            self.in_hand.discard(settlement.message.id)
        for name, pool in self._pools.items():
            pool.in_flight -= ended[name]
            pool.pace.add(ended[name], spent[name])
        return done

    def stop(self) -> None:
        """Begin nothing more: what no thread has begun comes back through `collect`, handed back."""
        self._delivery.is_stopping = True
        for pool in self._pools.values():
            self._done.extend(handed_back(message) for message in pool.take_back())
        self._on_done()

    def _deliver(self, message: Claimed) -> None:
        self._done.append(self._delivery.deliver(message))
        self._on_done()
