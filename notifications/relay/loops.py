"""Runs several relays in one process, one for each database: started together, stopped together.

They share the process and its channels, and nothing else: each has its own thread, its connection, its lease and its
sending threads, so a database that is away holds up no other.
"""

import threading
from collections.abc import Mapping

from notifications.relay.loop import Loop
from notifications.shards import on_database
from notifications.telemetry import current_loop


class Loops:
    """`run` returns once all of `loops`, which are named by their databases, have ended."""

    def __init__(self, loops: Mapping[str, Loop]) -> None:
        self._loops = loops
        self._failures: dict[str, BaseException] = {}

    def stop(self) -> None:
        """As `Loop.stop`, of each. Signal-safe."""
        for loop in self._loops.values():
            loop.stop()

    def stop_once(self) -> None:
        """As `Loop.stop_once`, of each. Signal-safe."""
        for loop in self._loops.values():
            loop.stop_once()

    def run(self) -> None:
        """Work until all are stopped or drained. If one raises, the others are stopped, and then it is raised here."""
        if len(self._loops) == 1:
            ((database, loop),) = self._loops.items()
            with on_database(database):
                loop.run()
            return
        threads = [
            threading.Thread(target=self._run, args=each, name=f"relay: {each[0]}") for each in self._loops.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for database, error in self._failures.items():
            error.add_note(f"on the database {database}")
            raise error

    def _run(self, database: str, loop: Loop) -> None:
        current_loop.set(database)  # for as long as this thread lives
        try:
            with on_database(database):
                loop.run()
        except BaseException as error:  # noqa: BLE001  (it is raised in the thread that waits)
            self._failures[database] = error
            self.stop()
