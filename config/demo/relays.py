"""Keeps the drill's relay running, as systemd would: with the settings of a file, which an operator may change."""

import signal
import time
from pathlib import Path
from subprocess import TimeoutExpired

from config.demo.processes import Child

STOP_SECONDS = 20.0


class SupervisedRelay:
    """One relay, which is started anew whenever it has ended, with what the file of settings says by then."""

    def __init__(self, environment: dict[str, str], *, file: Path) -> None:
        self._environment, self.file = environment, file
        self._relay: Child | None = None
        self.is_kept = True  # whether it is started anew
        self.started_with: dict[str, str] = {}

    def settings(self) -> dict[str, str]:
        """What the file says now; a line that is no setting is left out."""
        lines = (line.strip().partition("=") for line in self.file.read_text().splitlines())
        return {name: value.strip("'\"") for name, is_set, value in lines if is_set and not name.startswith("#")}

    def change(self, **settings: str) -> None:
        """Write these settings into the file, and start the relay with them."""
        lines = [
            f"{name}='{value}'" for name, value in (self._environment | self.settings_or_none() | settings).items()
        ]
        self.file.touch(mode=0o600)
        self.file.write_text(
            "\n".join(["# What the relays are started with. Change it, then stop the relay.", *lines, ""])
        )
        self.stop()
        self.look_after()

    def settings_or_none(self) -> dict[str, str]:
        """The file's settings; none before there is one."""
        return self.settings() if self.file.exists() else {}

    def look_after(self) -> None:
        """Start it if it does not run."""
        if self.is_kept and (self._relay is None or self._relay.process.poll() is not None):
            self.stop()
            self.started_with = self.settings()
            self._relay = Child("relay", ["manage.py", "run_outbox_relay"], environment=self.started_with)

    def freeze(self, seconds: float) -> None:
        """Give it no processor time for a while, as an overloaded host does."""
        if self._relay is not None and self._relay.process.poll() is None:
            self._relay.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            self._relay.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; nothing is left running."""
        if self._relay is not None:
            relay, self._relay = self._relay, None
            relay.process.send_signal(signal.SIGCONT)
            relay.process.terminate()
            try:
                relay.process.wait(STOP_SECONDS)
            except TimeoutExpired:
                relay.process.kill()
            relay.stop()
