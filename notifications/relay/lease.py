"""The relay's lease: what it has claimed stays its own for as long as its heartbeats reach the database (G4, G5).

The lease is one row per relay. The relay's session also holds an advisory lock under the relay's id; when the relay
dies the lock falls free, and the others notice at once. A relay that is not sure of its lease begins no send.
"""

import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from psycopg.rows import class_row

from notifications.protocol import sql_relays as sql
from notifications.relay.connection import Connection, fetch_row
from notifications.relay.messages import Clock

LOCK_CLASS = 0x0B0C  # with the schema, the first key of a relay's advisory lock; the second is the relay's id
HEARTBEAT_SECONDS = 0.6
STALE_SECONDS = 1.1  # a heartbeat may be late by most of its period before its relay looks dead


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the database answers to a heartbeat, by the names of the statement's columns.

    `is_known`: our row is still there. `suspects`: relays that look dead. `departed`: relays without a row that left
    messages behind. `is_count_left_over`: something that dead relays did is not counted yet. `channels`: their states.
    `is_something_due`: a message that we could claim. `command`: an operator's order (stop, drain) or empty. `held`:
    how many messages are `sending` under our id. `moment`: the database's time.
    """

    is_known: bool
    suspects: list[int]
    departed: list[int]
    is_count_left_over: bool
    channels: dict[str, dict[str, float | bool | None]]
    is_something_due: bool
    command: str
    held: int
    moment: datetime


@dataclass(slots=True)
class Lease:
    """Our id, and until when (on `clock`) a send may begin. Shared with the sending threads, which only read it.

    `seconds` is the lease's length; `margin` how long a send may take: no send begins that could outlive the lease.
    """

    seconds: float
    margin: float
    concurrency: int
    holds_lock: bool
    release: str = ""
    clock: Clock = time.monotonic
    relay_id: int = 0
    _good_until: float = field(default=0.0, init=False)
    _has_lock: bool = field(default=False, init=False)
    _database_clock: tuple[datetime, float] | None = field(
        default=None, init=False
    )  # its time, and ours at that moment

    def allows_a_send(self, relay_id: int) -> bool:
        """Whether a send of what was claimed under the id `relay_id` surely ends within the lease if it begins now.

        A relay that was declared dead lives on under a new id, with a new lease. What it claimed before belongs to
        another relay by now, and no new lease makes it ours again (G4).
        """
        return relay_id == self.relay_id and self.clock() < self._good_until

    def database_now(self) -> datetime:
        """The time by the database's clock, counted on from the last heartbeat: all stored times are by that clock."""
        if self._database_clock is None:
            return datetime.now(UTC)
        moment, read_at = self._database_clock
        return moment + timedelta(seconds=self.clock() - read_at)

    def suspend(self) -> None:
        """Begin no send until the next heartbeat is answered: the connection is gone, and our lock with it."""
        self._good_until = 0.0
        self._has_lock = False

    def take(self, connection: Connection) -> None:
        """Register this process as a relay, under a new id."""
        (lock_class,) = fetch_row(connection, sql.LOCK_CLASS, {"lock_class": LOCK_CLASS})
        (counted_to,) = fetch_row(connection, sql.LAST_ATTEMPT, {})
        asked_at = self.clock()
        row = fetch_row(
            connection,
            sql.REGISTER,
            {
                "counted_to": counted_to,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "concurrency": self.concurrency,
                "release": self.release,
                "lease": self.seconds,
                "lock_class": lock_class,
            },
        )
        (self.relay_id,) = row
        self._has_lock = False
        self._hold_lock(connection)
        self._renew(asked_at)

    def beat(
        self, connection: Connection, *, in_flight: int, claimable: Collection[str] = (), counts: str | None = "{}"
    ) -> Heartbeat:
        """Extend the lease, write down `counts` (a Tally's, as JSON), and learn about the other relays.

        With None for `counts` nothing counts as counted that was not before.
        """
        self._hold_lock(connection)
        asked_at = self.clock()  # before the statement: the lease in the database began no earlier
        answers = connection.cursor(row_factory=class_row(Heartbeat)).execute(
            sql.HEARTBEAT,
            {
                "relay": self.relay_id,
                "in_flight": in_flight,
                "lease": self.seconds,
                "stale": STALE_SECONDS,
                "claimable": list(claimable),
                "load": os.getloadavg()[0],
                "seen": counts or "{}",
                "counts": counts is not None,
            },
        )
        (heartbeat,) = answers.fetchall()
        self._database_clock = heartbeat.moment, asked_at  # the moment is the statement's start
        if heartbeat.is_known:
            self._renew(asked_at)
        else:
            self.suspend()
        return heartbeat

    def leave(self, connection: Connection) -> None:
        """Stop being a relay; only for one that has nothing in flight."""
        self.suspend()
        connection.execute(sql.LEAVE, {"relay": self.relay_id})

    def is_alone(self, connection: Connection) -> bool:
        """Whether no older session of ours can write any more: else it would have our lock. Without locks, True."""
        self._hold_lock(connection)
        return self._has_lock or not self.holds_lock

    def _hold_lock(self, connection: Connection) -> None:
        """Take our advisory lock on this session. If a dying session of ours still has it, try again later."""
        if self.holds_lock and not self._has_lock:
            parameters = {"lock_class": LOCK_CLASS, "relay": self.relay_id}
            (self._has_lock,) = fetch_row(connection, sql.HOLD_RELAY_LOCK, parameters)

    def _renew(self, asked_at: float) -> None:
        self._good_until = asked_at + self.seconds - self.margin
