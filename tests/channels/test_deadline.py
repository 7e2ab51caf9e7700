"""The deadline of a send ends whatever its sockets are doing, exactly then, and only theirs."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from notifications.channels.deadline import Deadline, DeadlinePassed, connect, current
from notifications.lifecycle import Transient, Unknown
from notifications.transport import deadline
from tests.channels.servers import closed_port, scripted_server, silence
from tests.stage.waiting import wait_until


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_the_time_that_remains_never_falls_below_nothing() -> None:
    assert 4.9 < Deadline.after(5).remaining() <= 5
    assert not Deadline.after(5).is_past
    assert Deadline.after(-1).remaining() == 0
    assert Deadline.after(-1).is_past


def test_a_read_ends_at_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    began = time.monotonic()
    with Deadline.after(0.2).enforced() as transmission:
        transmission.watch(pair[0])
        pair[0].settimeout(None)  # nothing but the watchdog ends this
        assert pair[0].recv(1) == b""

    assert 0.2 <= time.monotonic() - began < 0.7


def test_a_write_ends_at_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline.after(0.2).enforced() as transmission:
        transmission.watch(pair[0])
        pair[0].settimeout(None)
        with pytest.raises(BrokenPipeError):
            pair[0].sendall(bytes(10_000_000))


def test_a_socket_is_left_alone_once_its_send_has_ended(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline.after(0.1).enforced() as first:
        first.watch(pair[0])
    with Deadline.after(30).enforced() as second:
        second.watch(pair[0])
        wait_until(lambda: first.deadline.is_past)
        with Deadline.after(0.05).enforced() as later:  # when it has been cut, the watchdog has passed the first one
            other, far = socket.socketpair()
            with other, far:
                later.watch(other)
                other.settimeout(None)
                assert other.recv(1) == b""
        pair[1].sendall(b"still here")

        assert pair[0].recv(100) == b"still here"


def test_each_send_is_cut_at_its_own_deadline() -> None:
    ended: dict[float, float] = {}

    def run(seconds: float) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs, Deadline.after(seconds).enforced() as transmission:
            transmission.watch(ours)
            ours.settimeout(None)
            began = time.monotonic()
            ours.recv(1)
            ended[seconds] = time.monotonic() - began

    threads = [threading.Thread(target=run, args=[seconds]) for seconds in (0.6, 0.2, 0.4, 0.1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert sorted(ended) == [0.1, 0.2, 0.4, 0.6]
    assert all(abs(took - seconds) < 0.15 for seconds, took in ended.items()), ended


def test_nothing_begins_after_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline.after(-1).enforced() as transmission:
        with pytest.raises(DeadlinePassed):
            transmission.watch(pair[0])
        with pytest.raises(DeadlinePassed):
            transmission.begin()

    assert not transmission.has_begun


def test_a_failure_is_unknown_only_once_the_send_has_begun() -> None:
    with Deadline.after(30).enforced() as transmission:
        assert transmission.failure(ConnectionResetError()) == Transient("connect_failed", "ConnectionResetError")
        assert transmission.failure(TimeoutError()) == Transient("connect_timeout", "TimeoutError")
        transmission.begin()
        assert transmission.failure(ConnectionResetError()) == Unknown("connection_reset", "ConnectionResetError")
        assert transmission.failure(TimeoutError()) == Unknown("timeout", "TimeoutError")


def test_outside_of_a_send_there_is_no_connection_to_be_had() -> None:
    with pytest.raises(LookupError):
        current()
    with pytest.raises(LookupError):
        connect("127.0.0.1", closed_port())


def test_a_host_is_reached_at_whichever_of_its_addresses_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server(silence) as server, Deadline.after(10).enforced():
        look_up = socket.getaddrinfo
        both = [each for host in ("127.0.0.2", "127.0.0.1") for each in look_up(host, server.port)]
        monkeypatch.setattr(
            deadline.socket,
            "getaddrinfo",
            lambda host, *rest, **more: both if host == "two.example" else look_up(host, *rest, **more),
        )

        with connect("two.example", server.port) as sock:
            assert sock.getpeername()[0] == "127.0.0.1"


def test_a_connect_that_nobody_answers_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(8)]  # they fill the queue; the next one's SYN is dropped
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        until = Deadline.after(0.3)
        with until.enforced() as transmission, pytest.raises(TimeoutError) as raised:
            connect("127.0.0.1", port)
        for filler in fillers:
            filler.close()

    assert transmission.failure(raised.value).code == "connect_timeout"
    assert Deadline.after(-0.5).at < until.at


def test_deadlines_are_kept_after_a_fork() -> None:
    program = """
import os, socket, sys
from notifications.channels.deadline import Deadline

def cut():
    ours, theirs = socket.socketpair()
    with Deadline.after(0.1).enforced() as transmission:
        transmission.watch(ours)
        ours.settimeout(10)
        return ours.recv(1) == b""

assert cut()
child = os.fork()
if not child:
    os._exit(0 if cut() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0
