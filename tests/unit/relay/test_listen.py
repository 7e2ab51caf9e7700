"""The listener's thread lives as long as its relay, whatever happens to its connection."""

import threading
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

    class Connection:
        def __enter__(self) -> "Connection":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, statement: str) -> None:
            done.append(statement.split(maxsplit=1)[0])

        def notifies(self, **_: Any) -> list[Any]:
            raise psycopg.OperationalError("gone")

    monkeypatch.setattr(listen, "open_connection", lambda *_, **__: Connection())
    monkeypatch.setattr(listen, "RECONNECT_SECONDS", 0.001)
    listener = listen.Listener("default", lambda: done.append("wake"))
    listener.start()
    wait_until(lambda: len(done) >= 4)
    listener.stop()
    assert done[:4] == ["LISTEN", "wake", "LISTEN", "wake"], "and in this order"
