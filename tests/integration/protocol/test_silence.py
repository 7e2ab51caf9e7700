"""A server that says nothing is given up within seconds; one that works on a long statement is waited for."""

from collections.abc import Iterator
from time import monotonic
from typing import Any

import psycopg
import pytest

from notifications.protocol import silence
from notifications.protocol.database_errors import is_not_now
from notifications.relay import listen
from notifications.relay.listen import Listener
from tests.stage.proxy import Proxy, url_through
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(silence, "ANSWER_SECONDS", 0.5)


@pytest.fixture
def connection(proxy: Proxy, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url_through(proxy.port, database_url), autocommit=True) as made:
        silence.watch(made)
        yield made


@pytest.mark.parametrize("how", ["one statement", "a transaction", "a pipeline"])
def test_a_silent_server_is_given_up_within_seconds(
    connection: psycopg.Connection[Any], proxy: Proxy, how: str
) -> None:
    began = monotonic()
    with pytest.raises(psycopg.OperationalError, match="silent") as given_up:  # noqa: PT012  (all of it may raise)
        if how == "one statement":
            proxy.hush()
            connection.execute("SELECT 1")
        elif how == "a transaction":
            with connection.transaction():
                connection.execute("SELECT 1")
                proxy.hush()
                connection.execute("SELECT 2")
        else:
            with connection.pipeline():
                proxy.hush()
                connection.execute("SELECT 1").fetchall()
    assert monotonic() - began < 5
    assert is_not_now(given_up.value)
    assert connection.closed


def test_a_long_statement_of_a_server_that_works_is_waited_for(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("SELECT 7 FROM pg_sleep(1.5)").fetchone()
    assert row == (7,)


def test_a_connection_by_a_socket_in_the_file_system_is_watched_too(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as made:
        silence.watch(made)
        assert silence._answers(made)
        assert made.execute("SELECT 7 FROM pg_sleep(0.7)").fetchone() == (7,)


def test_a_listener_whose_server_says_nothing_comes_back_with_a_catch_up(
    proxy: Proxy, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No statement of its own would notice: it only listens."""

    def connected(alias: str, *, name: str) -> psycopg.Connection[Any]:
        made = psycopg.connect(url_through(proxy.port, database_url), autocommit=True, connect_timeout=2)
        silence.watch(made)
        return made

    monkeypatch.setattr(listen, "open_connection", connected)
    monkeypatch.setattr(listen, "ASK_SECONDS", 0.2)
    woken: list[str] = []
    listener = Listener("default", lambda: woken.append("woken"))
    listener.start()
    try:
        wait_until(lambda: woken)
        proxy.hush()
        wait_until(lambda: "relay.disconnected" in caplog.text)
        proxy.mend()
        wait_until(lambda: len(woken) == 2)
    finally:
        listener.stop()
