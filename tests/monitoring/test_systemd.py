"""A relay tells systemd that it is ready, alive and stopping, and says nothing while its loop hangs."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifications.models import Relay
from tests.stage.relay import RelayProcess

pytestmark = pytest.mark.django_db(transaction=True)


Start = Callable[..., RelayProcess]


class TestSystemd:
    @pytest.fixture
    def systemd(self, tmp_path: Path) -> Iterator[socket.socket]:
        """The manager's end of NOTIFY_SOCKET."""
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
            listening.bind(str(tmp_path / "notify"))
            listening.settimeout(20)
            yield listening

    def test_it_says_ready_alive_and_stopping(self, relay_process: Start, systemd: socket.socket) -> None:
        relay = relay_process(NOTIFY_SOCKET=systemd.getsockname())
        told = [systemd.recv(200).decode() for _ in range(4)]
        assert "READY=1\nSTATUS=Sending." in told
        assert told.count("WATCHDOG=1") == 3
        relay.signal(signal.SIGTERM)
        while (word := systemd.recv(200).decode()) == "WATCHDOG=1":
            pass
        assert word.startswith("STOPPING=1")
        assert relay.wait()[0] == 0

    def test_a_stopped_loop_says_nothing(self, relay_process: Start, systemd: socket.socket) -> None:
        relay = relay_process(NOTIFY_SOCKET=systemd.getsockname())
        while not systemd.recv(200).startswith(b"READY"):
            pass
        relay.signal(signal.SIGSTOP)
        systemd.settimeout(1.5)  # more than two heartbeats
        told = 0
        with contextlib.suppress(TimeoutError):
            while systemd.recv(200):
                told += 1
        assert told <= 2, "what was on its way"
        relay.signal(signal.SIGCONT)
        assert systemd.recv(200) == b"WATCHDOG=1"

    def test_a_supervisor_is_ready_once_a_relay_is_and_says_when_it_stops(
        self, relay_process: Start, systemd: socket.socket
    ) -> None:
        relay = relay_process("--processes", "2", NOTIFY_SOCKET=systemd.getsockname())
        while (word := systemd.recv(200).decode()) == "WATCHDOG=1":
            pass
        assert word.startswith("READY=1")
        assert Relay.objects.exists()
        relay.signal(signal.SIGTERM)
        while (word := systemd.recv(200).decode()) == "WATCHDOG=1":
            pass
        assert word.startswith("STOPPING=1")
        assert relay.wait()[0] == 0
