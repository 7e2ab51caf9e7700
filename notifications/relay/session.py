"""The relay's session with the database: its one connection and its lease.

When the database goes away, or can only be read, the session says so, begins no send, and tries again with growing
pauses until it is back. `database_errors` says which errors mean that.
"""

import time
from collections.abc import Collection
from math import inf

import psycopg

from notifications.protocol.database_errors import CANNOT_WRITE, is_not_now
from notifications.relay.connection import Connection, open_connection, plan_anew
from notifications.relay.lease import HEARTBEAT_SECONDS, Heartbeat, Lease
from notifications.relay.messages import Clock
from notifications.relay.shutdown import Shutdown
from notifications.relay.tally import Tally, recount
from notifications.telemetry import emit

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0
PLAN_SECONDS = 5.0  # for which plans may serve tables that grow


class DatabaseUnreachable(Exception):
    """The relay had to end before the database came back; what it held is rescued once its lease has run out."""


class Session:
    """One relay's connection and lease. After `connect`, `connection` is open until an error is passed to `recover`."""

    connection: Connection

    def __init__(
        self, alias: str, lease: Lease, *, tally: Tally, shutdown: Shutdown, clock: Clock = time.monotonic
    ) -> None:
        self._alias = alias
        self._lease = lease
        self._tally = tally
        self._shutdown = shutdown
        self._clock = clock
        self._connected_at = 0.0
        self._beat_at = -inf
        self._planned_at = -inf
        self._failures = 0  # since the last heartbeat
        self._must_recount = False

    def connect(self) -> None:
        """Connect, however long it takes, and register. Raises DatabaseUnreachable when the relay must end first.

        The next heartbeat is due at once: it takes the relay's advisory lock, and only then may sends begin.
        """
        while True:
            try:
                self.connection = open_connection(self._alias, name="outbox relay")
                self._connected_at, self._beat_at = self._clock(), -inf
                self._register()
            except Exception as error:
                if not is_not_now(error):
                    raise
                emit("relay.disconnected", error=type(error).__name__)
                self._disconnect()
                self._wait()
            else:
                return

    def _register(self) -> None:
        """Get an id; if there is one already, what was written before the connection broke may not be counted."""
        if self._lease.relay_id:
            self._must_recount = True
        else:
            self._lease.take(self.connection)

    def recover(self, error: psycopg.Error) -> None:
        """Come back from `error`: at once where the connection survived it (a deadlock), else by a new connection.

        A server that can only be read may have handed its place to another one, so that needs a new connection too.
        """
        emit("relay.disconnected", error=type(error).__name__)
        has_survived = not (self.connection.closed or self.connection.broken)
        if has_survived and error.sqlstate not in CANNOT_WRITE:
            self._wait()
            return
        self._lease.suspend()
        self._disconnect()
        if self._failures:  # the last connection was lost before its first heartbeat
            self._wait()
        self._failures += 1
        self.connect()
        emit("relay.reconnected", relay=self._lease.relay_id)

    @property
    def seconds(self) -> float:
        """How long the present connection has lasted."""
        return self._clock() - self._connected_at

    @property
    def seconds_to_beat(self) -> float:
        """How long until the next heartbeat is due."""
        return self._beat_at + HEARTBEAT_SECONDS - self._clock()

    def beat(self, *, in_flight: int, claimable: Collection[str] = ()) -> Heartbeat:
        """Extend the lease and write down what was counted; returns what the database answered."""
        self._beat_at = self._clock()
        counts = self._counts()
        heartbeat = self._lease.beat(self.connection, in_flight=in_flight, claimable=claimable, counts=counts)
        if counts is not None:
            self._tally.clear()
        if self._beat_at - self._planned_at >= PLAN_SECONDS:
            plan_anew(self.connection)
            self._planned_at = self._beat_at
        if not heartbeat.is_known:
            emit("relay.outlived", relay=self._lease.relay_id)
            self._lease.take(self.connection)
        emit("relay.beat", relay=self._lease.relay_id, in_flight=in_flight)
        self._failures = 0
        return heartbeat

    def close(self, *, leave: bool) -> None:
        """Disconnect; with `leave`, stop being a relay first. A database that is away changes nothing more."""
        try:
            if leave:
                counts = self._counts()
                self._lease.beat(self.connection, in_flight=0, counts=counts)
                if counts is not None:  # else the relay that finds our lease run out counts what is left
                    self._lease.leave(self.connection)
            self.connection.close()
        except psycopg.Error as error:
            if not is_not_now(error):
                raise
            emit("relay.disconnected", error=type(error).__name__)

    def _counts(self) -> str | None:
        """What to write down now; None: a session of ours whose connection broke may still write, so count later.

        Its last settle may be running still. It commits attempts whose ids are drawn already, and would never be
        counted if we counted up to the ids drawn so far.
        """
        if self._must_recount:
            if not self._lease.is_alone(self.connection):
                return None
            recount(self.connection, relay_id=self._lease.relay_id)
            self._tally.clear()
            self._must_recount = False
        return self._tally.as_json()

    def _disconnect(self) -> None:
        if hasattr(self, "connection"):  # not if the first one failed
            self.connection.close()

    def _wait(self) -> None:
        if self._shutdown.is_over:
            raise DatabaseUnreachable
        self._shutdown.wait(min(FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS))
        self._failures += 1
