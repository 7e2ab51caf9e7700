"""Calls through the one HTTP stack: what its sessions keep to, whoever uses them."""

import socket
import time

import pytest
import requests

from notifications.transport.deadline import Deadline
from notifications.transport.http import PooledSession
from tests.channels.servers import scripted_server


def half_an_answer(sock: socket.socket) -> None:
    """An answer of no stated length, which ends when the connection does: it never does."""
    sock.recv(65536)
    sock.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"status": ')
    sock.recv(1)


def elsewhere(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


def test_an_answer_that_the_deadline_cut_is_not_taken_for_a_whole_one() -> None:
    with scripted_server(half_an_answer) as server:
        session = PooledSession(f"http://127.0.0.1:{server.port}")
        began = time.monotonic()
        with Deadline.after(0.2).enforced(), pytest.raises(requests.RequestException):
            session.send(requests.Request("GET", f"http://127.0.0.1:{server.port}/"))

    assert time.monotonic() - began < 2


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with scripted_server(elsewhere) as server, Deadline.after(10).enforced():
        session = PooledSession(f"http://127.0.0.1:{server.port}")
        assert session.send(requests.Request("GET", f"http://127.0.0.1:{server.port}/")).status_code == 302


@pytest.mark.parametrize("is_local", [True, False])
def test_a_proxy_of_the_environment_is_used_but_for_a_server_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, is_local: bool
) -> None:
    with scripted_server(elsewhere) as proxy, scripted_server(elsewhere) as server, Deadline.after(10).enforced():
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.delenv("NO_PROXY", raising=False)
        session = PooledSession(f"http://127.0.0.1:{server.port}", is_local=is_local)
        session.send(requests.Request("GET", f"http://127.0.0.1:{server.port}/"))

        assert (len(proxy.connections), len(server.connections)) == ((0, 1) if is_local else (1, 0))
