"""An idle connection: open and silent, closed by the server, or with something unread."""

import socket
from collections.abc import Iterator

import pytest

from notifications.transport.quiet import is_quiet


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_an_open_connection_is_quiet_and_stays_as_it_is(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    assert is_quiet(ours)

    theirs.sendall(b"later")
    assert ours.recv(10) == b"later"
    assert is_quiet(ours)


def test_a_connection_that_the_server_closed_is_not(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()

    assert not is_quiet(ours)


def test_a_connection_with_something_unread_is_not_and_nothing_of_it_is_taken(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"what")

    assert not is_quiet(ours)
    assert ours.recv(10) == b"what"


def test_a_closed_socket_is_not(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    ours.close()

    assert not is_quiet(ours)
