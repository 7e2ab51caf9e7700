"""The relay's lease: what it claims is its own for as long as its heartbeat is heard (G4, G5).

The lease is one row per relay. Besides, the relay's session holds an advisory lock under its number, whose falling free
tells the others of its death at once. A relay that is not sure of its lease begins no send.
"""

import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from notifications.protocol import sql
from notifications.relay.connection import Connection, fetch_row
from notifications.relay.messages import Clock

LOCK_CLASS = 0x0B0C  # the first key of every relay's advisory lock; the second is the relay's id
HEARTBEAT_SECONDS = 0.6
STALE_SECONDS = 1.1  # a heartbeat may be late by most of its period before its relay looks dead


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a heartbeat was answered: are we still known, who looks dead, whose messages are left behind, how the
    channels are, whether a message is due that we could claim, what an operator told us to do (stop, drain), and how
    many messages are being sent under our number.
    """

    is_known: bool
    suspects: list[int]
    departed: list[int]
    channels: dict[str, dict[str, float | bool | None]]
    is_something_due: bool
    command: str
    held: int


@dataclass(slots=True)
class Lease:
    """Our number, and until when (on `clock`) a send may begin. Shared with the sending threads, which only read it.

    `seconds` is the lease's length; `margin` how long a send may take: none begins that could outlive the lease.
    """

    seconds: float
    margin: float
    concurrency: int
    holds_lock: bool
    clock: Clock = time.monotonic
    relay_id: int = 0
    _good_until: float = field(default=0.0, init=False)
    _has_lock: bool = field(default=False, init=False)

    def allows_a_send(self, relay_id: int) -> bool:
        """Whether a send, claimed under the number `relay_id`, surely ends within the lease if it begins now.

        A relay that was taken for dead lives on under a new number, with a new lease. What it had claimed before is
        another's by now, and no new lease makes it ours again (G4).
        """
        return relay_id == self.relay_id and self.clock() < self._good_until

    def suspend(self) -> None:
        """Begin no more sends until the next heartbeat is heard: the connection is gone, and our lock with it."""
        self._good_until = 0.0
        self._has_lock = False

    def take(self, connection: Connection) -> None:
        """Register this process as a relay, under a new number."""
        asked_at = self.clock()
        row = fetch_row(
            connection,
            sql.REGISTER,
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "concurrency": self.concurrency,
                "lease": self.seconds,
            },
        )
        (self.relay_id,) = row
        self._has_lock = False
        self._hold_lock(connection)
        self._renew(asked_at)

    def beat(
        self, connection: Connection, *, in_flight: int, claimable: Collection[str] = (), seen: str = "[]"
    ) -> Heartbeat:
        """Extend the lease, write down what was `seen` (a Tally's parcel), and learn about the other relays."""
        self._hold_lock(connection)
        asked_at = self.clock()  # before the statement: the lease in the database began no earlier
        row = fetch_row(
            connection,
            sql.HEARTBEAT,
            {
                "relay": self.relay_id,
                "in_flight": in_flight,
                "lease": self.seconds,
                "stale": STALE_SECONDS,
                "claimable": list(claimable),
                "load": os.getloadavg()[0],
                "seen": seen,
            },
        )
        heartbeat = Heartbeat(*row)
        if heartbeat.is_known:
            self._renew(asked_at)
        else:
            self.suspend()
        return heartbeat

    def leave(self, connection: Connection) -> None:
        """Stop being a relay; only for one that has nothing in flight."""
        self.suspend()
        connection.execute(sql.LEAVE, {"relay": self.relay_id})

    def _hold_lock(self, connection: Connection) -> None:
        """Take our advisory lock on this session; next time, if an old session of ours, still dying, has it."""
        if self.holds_lock and not self._has_lock:
            parameters = {"lock_class": LOCK_CLASS, "relay": self.relay_id}
            (self._has_lock,) = fetch_row(connection, sql.HOLD_RELAY_LOCK, parameters)

    def _renew(self, asked_at: float) -> None:
        self._good_until = asked_at + self.seconds - self.margin
