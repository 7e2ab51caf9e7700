"""Hands claimed messages to a pool of threads per channel, so that a slow provider takes no thread from a fast one."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from notifications.relay.breaker import FAILURES
from notifications.relay.delivery import Delivery, handed_back
from notifications.relay.messages import Claim, Claimed, Clock, Settlement
from notifications.relay.pool import Pool

STALLED_SECONDS = 1.0
# So many sends under way, of which none ends in so long: their provider may not answer.
HANGING, HANGING_SECONDS = FAILURES, 2.0


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
        within: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._delivery = delivery
        self._on_done = on_done
        self._done: deque[Settlement] = deque()
        self._wakes_at_last = False
        self._clock = clock
        self._ended_at = dict.fromkeys(channels, 0.0)
        self.in_hand: set[Claim] = set()  # what is in flight
        self._pools = {
            name: Pool(
                name,
                concurrency=concurrency,
                most=max(most, concurrency),
                work=self._deliver,
                clock=clock,
                within=within,
            )
            for name in channels
        }

    @property
    def in_flight(self) -> int:
        """Messages that are claimed and not yet collected."""
        return sum(pool.in_flight for pool in self._pools.values())

    @property
    def is_idle(self) -> bool:
        """Whether no send runs or waits for a thread: all that is in flight waits to be collected."""
        return len(self._done) >= self.in_flight

    @contextmanager
    def waking_at_last(self) -> Iterator[None]:
        """Within the block `on_done` is called for the last message in flight alone, or it would be at each."""
        self._wakes_at_last = True
        try:
            yield
        finally:
            self._wakes_at_last = False

    @property
    def may_grow(self) -> bool:
        """Whether a pool may soon have more threads: a watch should then be short, and `resize` called often."""
        return any(pool.may_grow for pool in self._pools.values())

    def is_stalled(self, name: str) -> bool:
        """Whether the pool called `name` is full, and none of its sends has ended for STALLED_SECONDS."""
        pool = self._pools[name]
        return pool.room == 0 and self._clock() - max(self._ended_at[name], pool.filled_at) > STALLED_SECONDS

    def is_hanging(self, name: str) -> bool:
        """Whether some sends of the pool called `name` are under way, and none has ended for HANGING_SECONDS."""
        pool = self._pools[name]
        is_idle = self._clock() - max(pool.ended_at, pool.busy_since) > HANGING_SECONDS
        return is_idle and pool.in_flight >= HANGING

    def begin_watch(self) -> None:
        """Call before sleeping: observe what the threads do meanwhile."""
        for pool in self._pools.values():
            pool.begin_watch()

    def resize(self) -> None:
        """Call after sleeping: give each pool as many threads as are of use to it, by what was observed."""
        for pool in self._pools.values():
            pool.resize()

    def room(self) -> dict[str, int]:
        """How many messages each channel could take now; channels that are full are left out."""
        rooms = {name: pool.room for name, pool in self._pools.items()}
        return {name: room for name, room in rooms.items() if room > 0}

    def submit(self, messages: Collection[Claimed]) -> None:
        """Send `messages`, each channel's in the order given, as threads come free."""
        for message in messages:
            self.in_hand.add(message.claim)
            self._pools[message.key].put(message)

    def collect(self) -> list[Settlement]:
        """Remove and return the settlements that have come in since the last call."""
        done: list[Settlement] = []
        while self._done:
            done.append(self._done.popleft())
        ended = dict.fromkeys(self._pools, 0)
        spent = dict.fromkeys(self._pools, 0.0)
        for settlement in done:
            ended[settlement.message.key] += 1
            spent[settlement.message.key] += settlement.ended - settlement.began
            self.in_hand.discard(settlement.message.claim)
        for name, pool in self._pools.items():
            if ended[name]:
                self._ended_at[name] = self._clock()
            pool.in_flight -= ended[name]
            pool.pace.add(ended[name], spent[name])
        return done

    def stop(self) -> None:
        """Begin no more sends. `collect` returns the messages that no thread has begun, handed back."""
        self._delivery.is_stopping = True
        for pool in self._pools.values():
            self._done.extend(handed_back(message) for message in pool.take_back())
        self._on_done()

    def _deliver(self, message: Claimed) -> None:
        self._done.append(self._delivery.deliver(message))
        if not self._wakes_at_last or self.is_idle:
            self._on_done()
