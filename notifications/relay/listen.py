"""Learns that messages were committed, by LISTEN on a connection of its own, and wakes the relay's thread (G9)."""

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing

from psycopg import sql

from notifications.protocol.notify import CHANNEL_OF_SCHEMA
from notifications.relay.connection import Connection, fetch_row, open_connection
from notifications.telemetry import emit

QUIET_SECONDS = 0.25  # how often a listener without notifications looks whether the server is to be asked
ASK_SECONDS = 3.0  # without notifications, after which the server is asked whether it is still there
RECONNECT_SECONDS = 1.0
STOP_SECONDS = 1.0  # for a thread that is just connecting


class Listener:
    """A thread that calls `wake` for each notification, and once after every (re)connection, to catch up.

    It ends by `stop` alone: after any error it waits and connects again.
    """

    def __init__(self, alias: str, wake: Callable[[], None]) -> None:
        self._alias = alias
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-listener", daemon=True)
        self._bell: socket.socket | None = None  # closed, it ends the thread's wait for the server

    def start(self) -> None:
        self._bell, self._ringing = socket.socketpair()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        if self._bell is not None:
            self._bell.close()
            self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        with closing(self._ringing):
            while not self._stop.is_set():
                try:
                    with open_connection(self._alias, name="outbox relay (listen)") as connection:
                        self._listen(connection)
                except Exception as error:  # noqa: BLE001  (whatever it is: without this thread the relay would only poll)
                    emit("relay.disconnected", error=type(error).__name__)
                    self._stop.wait(RECONNECT_SECONDS)

    def _listen(self, connection: Connection) -> None:
        (channel,) = fetch_row(connection, f"SELECT {CHANNEL_OF_SCHEMA}", {})
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        self._wake()
        heard_at = time.monotonic()
        with selectors.DefaultSelector() as either:
            either.register(connection.fileno(), selectors.EVENT_READ)
            either.register(self._ringing, selectors.EVENT_READ)
            while not self._stop.is_set():
                either.select(QUIET_SECONDS)
                for _ in connection.notifies(timeout=0.0):
                    self._wake()
                    heard_at = time.monotonic()
                if time.monotonic() - heard_at > ASK_SECONDS:
                    connection.execute("SELECT 1")
                    heard_at = time.monotonic()
