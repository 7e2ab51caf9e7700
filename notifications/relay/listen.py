"""Learns that messages were committed, by LISTEN on a connection of its own, and wakes the relay's thread (G9)."""

import threading
import time
from collections.abc import Callable

from notifications.protocol.notify import CHANNEL
from notifications.relay.connection import Connection, open_connection
from notifications.telemetry import emit

QUIET_SECONDS = 0.25  # how often a listener without notifications checks whether it should end
ASK_SECONDS = 3.0  # without notifications, after which the server is asked whether it is still there
RECONNECT_SECONDS = 1.0


class Listener:
    """A thread that calls `wake` for each notification, and once after every (re)connection, to catch up.

    It ends by `stop` alone: after any error it waits and connects again.
    """

    def __init__(self, alias: str, wake: Callable[[], None]) -> None:
        self._alias = alias
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=4 * QUIET_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with open_connection(self._alias, name="outbox relay (listen)") as connection:
                    self._listen(connection)
            except Exception as error:  # noqa: BLE001  (whatever it is: without this thread the relay would only poll)
                emit("relay.disconnected", error=type(error).__name__)
                self._stop.wait(RECONNECT_SECONDS)

    def _listen(self, connection: Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._wake()
        heard_at = time.monotonic()
        while not self._stop.is_set():
            for _ in connection.notifies(timeout=QUIET_SECONDS, stop_after=1):
                self._wake()
                heard_at = time.monotonic()
            if time.monotonic() - heard_at > ASK_SECONDS:
                connection.execute("SELECT 1")
                heard_at = time.monotonic()
