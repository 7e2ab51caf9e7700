"""The relay's standing with the database: its one connection, its lease, and what it learns about other relays.

When the database goes away the session says so, begins no send, and tries again with growing pauses until it is back.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping

import psycopg

from notifications.relay.connection import Connection, open_connection
from notifications.relay.lease import HEARTBEAT_SECONDS, Lease
from notifications.relay.messages import Clock
from notifications.relay.rescue import SETTLED_SESSION_SECONDS, bury, release_unheard, rescue
from notifications.relay.tally import SAMPLE_SECONDS, Tally, keep_history, recount
from notifications.telemetry import emit

ChannelStates = Mapping[str, Mapping[str, float | bool | None]]

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0


class DatabaseUnreachable(Exception):
    """The relay had to end before the database came back; what it held is rescued once its lease has run out."""


class Session:
    """One relay's connection and lease; `connection` is open whenever `beat` has returned."""

    connection: Connection

    def __init__(
        self,
        alias: str,
        lease: Lease,
        *,
        tally: Tally,
        on_channels: Callable[[ChannelStates], None],
        on_command: Callable[[str], None],
        in_hand: Callable[[], Collection[int]],
        pause: Callable[[float], None],
        must_end: Callable[[], bool],
        clock: Clock = time.monotonic,
    ) -> None:
        self._alias = alias
        self._lease = lease
        self._tally = tally
        self._on_channels = on_channels
        self._on_command = on_command
        self._in_hand = in_hand
        self._pause = pause
        self._must_end = must_end
        self._clock = clock
        self._opened_at = self._beat_at = 0.0
        self._sampled_at = -SAMPLE_SECONDS

    def open(self) -> None:
        """Connect, however long it takes, and make sure of the lease. Raises DatabaseUnreachable when it must end."""
        for seconds in _pauses():
            try:
                self.connection = open_connection(self._alias, name="outbox relay")
                self._opened_at = self._clock()
                if self._lease.relay_id:
                    recount(self.connection, relay_id=self._lease.relay_id)
                    self._tally.clear()
                else:
                    self._lease.take(self.connection)
                self.beat(in_flight=0)
            except psycopg.OperationalError as error:
                emit("relay.disconnected", error=type(error).__name__)
                self._wait(seconds)
            else:
                return

    def recover(self, error: psycopg.Error) -> None:
        """Come back from `error`: at once where the connection survived it (a deadlock), else by a new connection."""
        emit("relay.disconnected", error=type(error).__name__)
        if self.connection.closed or self.connection.broken:
            self._lease.suspend()
            self.connection.close()
            self.open()
            emit("relay.reconnected", relay=self._lease.relay_id)
        else:
            self._wait(FIRST_PAUSE_SECONDS)

    @property
    def seconds_to_beat(self) -> float:
        """How long until the next heartbeat is due."""
        return self._beat_at + HEARTBEAT_SECONDS - self._clock()

    def beat(self, *, in_flight: int, claimable: Collection[str] = ()) -> bool:
        """Extend the lease, take over from relays that are gone; whether a `claimable` channel has a message due."""
        self._beat_at = self._clock()
        seen = self._tally.parcel()
        heartbeat = self._lease.beat(self.connection, in_flight=in_flight, claimable=claimable, seen=seen)
        self._tally.clear()
        self._on_channels(heartbeat.channels)
        if heartbeat.command:
            self._on_command(heartbeat.command)
        if not heartbeat.is_known:
            emit("relay.outlived", relay=self._lease.relay_id)
            self._lease.take(self.connection)
        emit("relay.beat", relay=self._lease.relay_id, in_flight=in_flight)
        departed = heartbeat.departed + (self._bury(heartbeat.suspects) if heartbeat.suspects else [])
        if departed:
            rescue(self.connection, departed)
        self._keep_history()
        if heartbeat.held > in_flight:
            release_unheard(self.connection, relay_id=self._lease.relay_id, in_hand=self._in_hand())
        return heartbeat.is_something_due or bool(departed)

    def close(self, *, leave: bool) -> None:
        """Disconnect; with `leave`, stop being a relay first. A database that is away changes nothing more."""
        try:
            if leave:
                self._lease.beat(self.connection, in_flight=0, seen=self._tally.parcel())
                self._lease.leave(self.connection)
            self.connection.close()
        except psycopg.OperationalError as error:
            emit("relay.disconnected", error=type(error).__name__)

    def _bury(self, suspects: list[int]) -> list[int]:
        is_settled = self._clock() - self._opened_at >= SETTLED_SESSION_SECONDS
        return bury(self.connection, suspects, prompt=self._lease.holds_lock and is_settled)

    def _keep_history(self) -> None:
        if self._clock() - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = self._clock()
            keep_history(self.connection)

    def _wait(self, seconds: float) -> None:
        if self._must_end():
            raise DatabaseUnreachable
        self._pause(seconds)


def _pauses() -> Iterator[float]:
    seconds = FIRST_PAUSE_SECONDS
    while True:
        yield seconds
        seconds = min(2 * seconds, LONGEST_PAUSE_SECONDS)
