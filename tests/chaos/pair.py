"""A primary and its synchronous standby, which the campaign sees as one database.

The primary is lost, the standby is promoted, and a new standby is built from it in the place of the lost server. While
there is a standby, each commit waits for it, so nothing that was answered is lost with a primary. Until a new one has
caught up, commits wait for nobody, and no primary is lost.
"""

import contextlib
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.database import NAME, Database
from tests.chaos.history import Transition

LOOK_SECONDS = 0.25  # how often it is looked whether the standby has caught up
SETTINGS = {
    "hot_standby_feedback": "on",
    "wal_keep_size": "64MB",
    "wal_retrieve_retry_interval": "200ms",
}
IS_WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')"
HAS_CAUGHT_UP = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming' AND reply_time IS NOT NULL)"


class Pair:
    """Two servers on folders of their own. Used by one thread, as `Database` is, and it has what that has."""

    login, name, sessions = Database.login, Database.name, Database.sessions

    def __init__(self, folder: Path) -> None:
        homes = folder / "one", folder / "other"
        for home in homes:
            home.mkdir(mode=0o755)
        self.primary, self.standby = (Database(home, settings=SETTINGS) for home in homes)
        self._copying: subprocess.Popen[str] | None = None
        self._looked_at = 0.0
        self.is_synchronous = False  # each commit waits for the standby
        self._is_lost = False

    def start(self) -> None:
        """Start both; the standby is a copy of the primary."""
        self.primary.start()
        self._begin_copy()
        while not self.is_synchronous:
            self._tend_standby()
            time.sleep(0.05)

    def create(self) -> None:
        self.primary.create()

    def restart(self, mode: str) -> None:
        self.primary.restart(mode)

    def keep_running(self) -> None:
        """Start again what ended by itself, and get the standby on."""
        if not self._is_lost:
            self.primary.keep_running()
            self._tend_standby()

    def lose(self, number: signal.Signals) -> None:
        """Kill all processes of the primary, or stop them."""
        self._is_lost, self.is_synchronous = True, False
        self.primary.signal_all(number)

    def promote(self) -> None:
        """Make the standby the primary; returns once it takes writes. The lost one is killed after that."""
        with self.standby.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_promote(true, 30)")
        self.primary, self.standby = self.standby, self.primary

    def replace_lost(self) -> None:
        """Let nothing of the lost server come back, and begin to build a standby in its place."""
        self.standby.signal_all(signal.SIGKILL)
        self.standby.forget()
        self._is_lost = False
        self._begin_copy()

    def fill(self) -> bool:
        return self.primary.fill()

    def free(self) -> None:
        self.primary.free()

    @property
    def is_full(self) -> bool:
        return self.primary.is_full

    @property
    def socket(self) -> str:
        """The unix socket's path of who is the primary just now."""
        return self.primary.socket

    @property
    def url(self) -> str:
        """Both, past the network that is disturbed: of them, the one that can be written to."""
        one, other = (each.address() for each in (self.primary, self.standby))
        hosts, ports = (f"{one[key]},{other[key]}" for key in ("host", "port"))
        return f"postgresql://{one['user']}@/{NAME}?host={hosts}&port={ports}"

    def watch(self) -> None:
        self.primary.watch()

    def transitions(self) -> list[Transition]:
        return self.primary.transitions()

    def connect(self, name: str = NAME) -> psycopg.Connection[Any]:
        return self.primary.connect(name)

    def close(self) -> None:
        if self._copying is not None:
            self._copying.kill()
            self._copying.wait()
        for each in (self.standby, self.primary):
            each.signal_all(signal.SIGCONT)
            each.close()

    def _begin_copy(self) -> None:
        self._copying = self.standby.begin_copy(self.primary)

    def _tend_standby(self) -> None:
        if self._copying is not None:
            if (code := self._copying.poll()) is None:
                return
            self._copying = None
            if code:  # the primary was restarted meanwhile, or its disk was full
                self._begin_copy()
            else:
                self.standby.start()
        self.standby.keep_running()
        if self.is_synchronous or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        with contextlib.suppress(psycopg.Error), self.primary.connect("postgres") as connection:
            if connection.execute(IS_WAITED_FOR).fetchone() == (True,):
                # By now all processes of the server were told of the standby. The one that has commits wait, the
                # checkpointer, reads its settings before it does this.
                connection.execute("CHECKPOINT")
                self.is_synchronous = True
            elif connection.execute(HAS_CAUGHT_UP).fetchone() == (True,):
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                connection.execute("SELECT pg_reload_conf()")
