"""The listener's thread lives as long as its relay, whatever happens to its connection."""

import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from notifications.relay import listen
from tests.stage.waiting import wait_until


@pytest.mark.parametrize(
    "error",
    [psycopg.OperationalError(), psycopg.errors.ReadOnlySqlTransaction(), psycopg.errors.SyntaxError(), ValueError()],
    ids=lambda error: type(error).__name__,
)
def test_no_error_ends_the_listener(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def fail(alias: str, **_: Any) -> Any:
        tries.append(alias)
        raise error

    monkeypatch.setattr(listen, "open_connection", fail)
    monkeypatch.setattr(listen, "RECONNECT_SECONDS", 0.001)
    listener = listen.Listener("default", lambda: None)
    listener.start()
    wait_until(lambda: len(tries) >= 3)
    listener.stop()
    assert not any(thread.name == "outbox-listener" for thread in threading.enumerate())


def test_after_listening_again_it_catches_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed while nobody listened is claimed, though no notification comes."""
    done: list[str] = []
    ours, servers = socket.socketpair()
    servers.close()

    class Connection:
        def __enter__(self) -> "Connection":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, statement: Any, _: Any = None) -> Any:
            if isinstance(statement, str):  # asks for the channel's name
                return SimpleNamespace(fetchone=lambda: ("a_channel",))
            done.append(statement.as_string())
            return None

        def fileno(self) -> int:
            return ours.fileno()

        def notifies(self, **_: Any) -> list[Any]:
            raise psycopg.OperationalError("gone")

    monkeypatch.setattr(listen, "open_connection", lambda *_, **__: Connection())
    monkeypatch.setattr(listen, "RECONNECT_SECONDS", 0.001)
    listener = listen.Listener("default", lambda: done.append("wake"))
    listener.start()
    wait_until(lambda: len(done) >= 4)
    listener.stop()
    ours.close()
    assert done[:4] == ['LISTEN "a_channel"', "wake", 'LISTEN "a_channel"', "wake"], "and in this order"


@pytest.mark.django_db(transaction=True)
def test_it_ends_at_once_though_no_notification_comes() -> None:
    """A relay that has sent everything, and each test that drains, would wait for it."""
    woken: list[str] = []
    listener = listen.Listener("default", lambda: woken.append("woken"))
    listener.start()
    wait_until(lambda: woken)
    began = time.monotonic()
    listener.stop()
    assert time.monotonic() - began < listen.QUIET_SECONDS / 2
