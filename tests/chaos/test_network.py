"""The campaign's network does to connections what it is told to."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.network import Network
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    """A server that says everything back."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(peer,), daemon=True).start()

    def repeat(peer: socket.socket) -> None:
        with peer:
            while said := peer.recv(100):
                peer.sendall(said)

    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture(scope="module")
def network(echo: int) -> Iterator[Network]:
    addresses = {"database:a": f"127.0.0.1:{echo}", "database:b": f"127.0.0.1:{echo}"}
    addresses |= {"database:nobody": "/nowhere"}
    command = [sys.executable, "-m", "tests.chaos.network", json.dumps(addresses)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        made = Network(json.loads(process.stdout.readline()))
        yield made
        made.close()
        process.terminate()


@pytest.fixture
def a(network: Network) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5) as made:
        assert heard(made)
        yield made
    network.order("mend", "*")


@pytest.fixture
def b(network: Network) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", network.port("database:b")), timeout=5) as made:
        yield made


def heard(peer: socket.socket) -> bool:
    try:
        peer.sendall(b"hello")
        return peer.recv(100) == b"hello"
    except OSError:
        return False


def test_a_link_that_is_cut_drops_its_connections_and_refuses_new_ones_until_it_is_mended(
    network: Network, a: socket.socket, b: socket.socket
) -> None:
    network.order("cut", "database:a")
    assert not heard(a)
    with socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5) as late:
        assert not heard(late)
    assert heard(b), "the other link is whole"
    network.order("mend", "database:a")
    with socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5) as late:
        assert heard(late)


def test_a_link_that_refuses_drops_its_connections_and_nobody_listens_until_it_is_mended(
    network: Network, a: socket.socket
) -> None:
    network.order("refuse", "database:a")
    assert not heard(a)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5)
    network.order("mend", "database:a")
    with socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5) as late:
        assert heard(late)


def test_a_link_that_is_stalled_lets_nothing_through_and_forgets_nothing(network: Network, a: socket.socket) -> None:
    network.order("stall", "database:*")
    a.settimeout(0.2)
    assert not heard(a)
    network.order("mend", "database:*")
    a.settimeout(5)
    assert a.recv(100) == b"hello"


def test_a_link_that_is_led_elsewhere_drops_its_connections_and_makes_new_ones_there(
    network: Network, echo: int, a: socket.socket
) -> None:
    network.order("lead", "database:a", "/nowhere")
    assert not heard(a)
    with socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5) as late:
        assert not heard(late)
    network.order("lead", "database:a", f"127.0.0.1:{echo}")
    with socket.create_connection(("127.0.0.1", network.port("database:a")), timeout=5) as late:
        assert heard(late)


def test_a_server_that_is_not_there_refuses(network: Network) -> None:
    with socket.create_connection(("127.0.0.1", network.port("database:nobody")), timeout=5) as made:
        assert made.recv(100) == b"", "closed"


def test_the_end_of_a_connection_comes_through(network: Network, a: socket.socket) -> None:
    a.shutdown(socket.SHUT_WR)
    wait_until(lambda: a.recv(100) == b"", seconds=5)
