"""When a server that says nothing is asked on the side, how often, and what its answer makes of the wait."""

import gc
import socket
import threading
import weakref
from collections.abc import Generator, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.waiting import Ready, Wait

from notifications.protocol import silence
from notifications.protocol.silence import LONGEST_QUIET_SECONDS, QUIET_SECONDS, TRIES

SHORT = 0.2


class Statement:
    """One that waits for its server; time passes and bytes come as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.asked_at, self.answers = 1_000.0, list[float](), list[bool]()
        self.is_closed = self.has_ended = False
        monkeypatch.setattr(silence, "monotonic", lambda: self.now)
        monkeypatch.setattr(silence, "_answers", self._ask)
        connection: Any = SimpleNamespace(close=self._close)
        self._wait = silence._attentive(self._run(), connection)
        assert next(self._wait) == Wait.R

    def pass_by(self, seconds: float, *, step: float = 0.125) -> None:
        """psycopg looks up ten times a second or so, and nothing has come."""
        for _ in range(int(seconds / step)):
            self._wait.send(Ready.NONE)
            self.now += step

    def hear(self) -> None:
        self._wait.send(Ready.R)

    def end(self) -> Any:
        with pytest.raises(StopIteration) as ended:
            self._wait.send(Ready.RW)
        return ended.value.value

    def _run(self) -> Generator[Any, Any, int]:
        try:
            while (yield Wait.R) != Ready.RW:
                pass
            return 7
        finally:
            self.has_ended = True

    def _ask(self, _: Any) -> bool:
        self.asked_at.append(self.now)
        return self.answers.pop(0) if self.answers else True

    def _close(self) -> None:
        assert self.has_ended, "the statement first: it uses the connection"
        self.is_closed = True


@pytest.fixture
def statement(monkeypatch: pytest.MonkeyPatch) -> Statement:
    return Statement(monkeypatch)


def test_a_server_that_answers_is_asked_ever_less_often_and_its_statement_ends_as_it_would(
    statement: Statement,
) -> None:
    statement.pass_by(QUIET_SECONDS)
    assert statement.asked_at == []
    statement.pass_by(120.0)
    pauses = [round(b - a) for a, b in zip([1_000.0, *statement.asked_at], statement.asked_at, strict=False)]
    assert pauses[:6] == [QUIET_SECONDS, 2, 4, 8, LONGEST_QUIET_SECONDS, LONGEST_QUIET_SECONDS]
    assert (statement.end(), statement.is_closed) == (7, False)


def test_while_anything_comes_nobody_is_asked(statement: Statement) -> None:
    for _ in range(10):
        statement.pass_by(QUIET_SECONDS)
        statement.hear()
    assert statement.asked_at == []


def test_a_server_that_never_answered_is_given_up_at_once(statement: Statement) -> None:
    statement.answers = [False, True]
    with pytest.raises(psycopg.OperationalError, match="silent"):
        statement.pass_by(2 * QUIET_SECONDS)
    assert len(statement.asked_at) == 1
    assert statement.is_closed


def test_one_that_answered_before_is_asked_several_times(statement: Statement) -> None:
    """An hour's work does not end because of one lost packet."""
    statement.answers = [True, *[False] * (TRIES - 1), True]
    statement.pass_by(5 * QUIET_SECONDS)
    assert len(statement.asked_at) == 1 + TRIES
    statement.answers = [False] * TRIES
    with pytest.raises(psycopg.OperationalError, match="silent"):
        statement.pass_by(5 * QUIET_SECONDS)
    assert len(statement.asked_at) == 1 + 2 * TRIES


def test_a_connection_that_nobody_keeps_is_not_kept_by_being_watched() -> None:
    class Kept:
        pass

    kept: Any = Kept()
    silence.watch(kept)
    alive = weakref.ref(kept)
    gc.disable()
    try:
        wait = kept.wait
        del kept
        assert alive() is None
    finally:
        gc.enable()
    with pytest.raises(psycopg.OperationalError, match="gone"):
        wait(iter(()))


class TestWhatIsAnAnswer:
    """Of a real socket: one byte."""

    @pytest.fixture(autouse=True)
    def _hasty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(silence, "ANSWER_SECONDS", SHORT)

    @pytest.fixture
    def server(self) -> Iterator[socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            yield listening

    def answers(self, host: str, port: int, *, hostaddr: str = "") -> bool:
        info = SimpleNamespace(host=host, hostaddr=hostaddr, port=port)
        connection: Any = SimpleNamespace(info=info)
        return silence._answers(connection)

    def test_not_that_the_connection_is_taken(self, server: socket.socket) -> None:
        assert not self.answers("127.0.0.1", server.getsockname()[1])

    def test_not_that_it_is_closed(self, server: socket.socket) -> None:
        with Answering(server, b""):
            assert not self.answers("127.0.0.1", server.getsockname()[1])

    def test_not_that_it_is_refused(self, server: socket.socket) -> None:
        port = server.getsockname()[1]
        server.close()
        assert not self.answers("127.0.0.1", port)

    def test_a_byte_of_the_address_in_use_whatever_its_name_says(self, server: socket.socket) -> None:
        with Answering(server, b"N"):
            assert self.answers("name.invalid", server.getsockname()[1], hostaddr="127.0.0.1")

    @pytest.mark.parametrize("says", [b"N", b""])
    def test_by_an_abstract_socket_as_well(self, says: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"\0silence-{id(self)}/.s.PGSQL.5433")
            listening.listen()
            with Answering(listening, says):
                assert self.answers(f"@silence-{id(self)}", 5433) is bool(says)

    def test_a_socket_whose_queue_is_full_is_no_reason_to_wait(self) -> None:
        with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as first:
            listening.bind(f"\0silence-{id(self)}/.s.PGSQL.5433")
            listening.listen(0)
            first.connect(listening.getsockname())
            assert not self.answers(f"@silence-{id(self)}", 5433)


class Answering:
    """Takes one connection, reads what it asks, says `says`, and closes it; waits a while for it, not for ever."""

    def __init__(self, listening: socket.socket, says: bytes) -> None:
        listening.settimeout(10 * SHORT)
        self._thread = threading.Thread(target=self._run, args=(listening, says))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self, listening: socket.socket, says: bytes) -> None:
        with suppress(TimeoutError):
            asked, _ = listening.accept()
            self._answer(asked, says)

    def _answer(self, asked: socket.socket, says: bytes) -> None:
        with asked:
            assert asked.recv(8) == silence.ASKS_FOR_TLS
            asked.sendall(says)
