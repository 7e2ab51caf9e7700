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
