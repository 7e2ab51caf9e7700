"""Sends claimed messages on a pool of threads per channel, so that a slow provider takes no thread from a fast one."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue

from notifications.relay.delivery import Delivery, handed_back
from notifications.relay.parcels import Claimed, Clock, Settlement

PREFETCH_SECONDS = 0.2  # of work at the present rate, claimed ahead of the threads; a kill leaves all of it unknown
AVERAGE_SECONDS = 0.5


class Throughput:
    """How many messages a second a channel ends at present: a moving average over about half a second."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._read_at = clock()
        self.per_second = 0.0

    def add(self, ended: int) -> None:
        """Take `ended` messages into account, that ended since the last call."""
        now = self._clock()
        elapsed = max(now - self._read_at, 1e-6)
        weight = 1.0 - math.exp(-elapsed / AVERAGE_SECONDS)
        self.per_second += weight * (ended / elapsed - self.per_second)
        self._read_at = now


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
        self._threads = 0
        self.in_flight = 0  # claimed and not settled; counted by the relay's thread alone
        self.throughput = Throughput(clock=clock)

    @property
    def room(self) -> int:
        """How many more messages may be claimed for this channel now."""
        prefetch = math.ceil(self.throughput.per_second * PREFETCH_SECONDS)
        return max(0, min(self._concurrency + prefetch, self._most) - self.in_flight)

    def put(self, message: Claimed) -> None:
        self.in_flight += 1
        if self._threads < min(self._concurrency, self.in_flight):
            self._threads += 1
            threading.Thread(target=self._serve, name=f"send-{self.name}-{self._threads}", daemon=True).start()
        self._queue.put(message)

    def take_back(self) -> list[Claimed]:
        """The messages that no thread has begun."""
        unbegun: list[Claimed] = []
        while True:
            try:
                unbegun.append(self._queue.get_nowait())
            except Empty:
                return unbegun

    def _serve(self) -> None:
        while True:
            self._work(self._queue.get())


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

    def room(self) -> dict[str, int]:
        """How many messages each channel could take now; channels that are full are left out."""
        rooms = {name: pool.room for name, pool in self._pools.items()}
        return {name: room for name, room in rooms.items() if room > 0}

    def submit(self, messages: Collection[Claimed]) -> None:
        """Send `messages`, each channel's in the order given, as threads come free."""
        for message in messages:
            self._pools[message.channel].put(message)

    def collect(self) -> list[Settlement]:
        """The settlements that have come in since the last call."""
        done: list[Settlement] = []
        while self._done:
            done.append(self._done.popleft())
        ended = dict.fromkeys(self._pools, 0)
        for settlement in done:
            ended[settlement.message.channel] += 1
        for name, pool in self._pools.items():
            pool.in_flight -= ended[name]
            pool.throughput.add(ended[name])
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
