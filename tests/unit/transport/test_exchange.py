"""Calls without `requests`: what HTTP/1.1 allows is read, and a connection serves again only where that is safe."""

import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from notifications.transport.deadline import Deadline
from notifications.transport.exchange import Answer
from notifications.transport.http import PooledSession, header_lines
from tests.channels.servers import ScriptedServer, read_request, scripted_server

Call = Callable[..., Answer]
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[ScriptedServer, Call, list[bytes]]]]:
    """Starts a server that answers each request with `answer`, and says how to call it and what it was asked."""
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:

        def start(answer: bytes, *, ends: bool = False) -> tuple[ScriptedServer, Call, list[bytes]]:
            asked: list[bytes] = []

            def script(sock: socket.socket) -> None:
                while request := read_request(sock):
                    asked.append(request)
                    sock.sendall(answer)
                    if ends:
                        return

            server = stack.enter_context(scripted_server(script))
            session = PooledSession(f"http://127.0.0.1:{server.port}")

            def call(method: str = "GET", body: bytes = b"") -> Answer:
                with Deadline.after(10).enforced():
                    return session.call(method, "/path?a=b", head=b"X-Our: own\r\n", body=body)

            stack.callback(session.close)
            return server, call, asked

        yield start


@pytest.mark.parametrize(
    ("answer", "expected", "is_kept"),
    [
        (PLAIN, (200, b"hi"), True),
        (b"HTTP/1.1 201 Created\r\nX-A: b: c \r\ncontent-length:2\r\n\r\nhi", (201, b"hi"), True),
        (b"HTTP/1.1 429\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", (429, b""), True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi"), False),
        (PLAIN + b"HTTP/1.1 200 OK\r\n", (200, b"hi"), False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, (200, b"hi"), False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", (200, b"hi"), False),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", (204, b""), False),
        (b"HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi"), False),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi"), False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi"), False),
    ],
)
def test_an_answer_is_read_however_it_is_framed(
    served: Callable[..., tuple[ScriptedServer, Call, list[bytes]]],
    answer: bytes,
    expected: tuple[int, bytes],
    is_kept: bool,
) -> None:
    server, call, _ = served(answer)
    answers = [call(), call()]

    assert [(each.status, each.body) for each in answers] == 2 * [expected]
    assert len(server.connections) == (1 if is_kept else 2)


def test_an_answer_without_a_length_ends_with_its_connection(
    served: Callable[..., tuple[ScriptedServer, Call, list[bytes]]],
) -> None:
    _, call, _ = served(b"HTTP/1.1 200 OK\r\n\r\nhi", ends=True)

    assert call().body == b"hi"


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", b"hello\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi",
    ],
)
def test_half_an_answer_is_an_error(
    served: Callable[..., tuple[ScriptedServer, Call, list[bytes]]], answer: bytes
) -> None:
    _, call, _ = served(answer, ends=True)

    with pytest.raises(ConnectionError):
        call()


def test_headers_are_in_lower_case(served: Callable[..., tuple[ScriptedServer, Call, list[bytes]]]) -> None:
    _, call, _ = served(b"HTTP/1.1 429 Slow down\r\nRetry-After:  7\r\nContent-Length: 0\r\n\r\n")

    assert call().headers == {"retry-after": "7", "content-length": "0"}


def test_a_request_holds_what_http_needs(served: Callable[..., tuple[ScriptedServer, Call, list[bytes]]]) -> None:
    server, call, asked = served(PLAIN)
    call()
    call("POST", b"a=b")
    call("POST")

    host = f"Host: 127.0.0.1:{server.port}\r\nAccept-Encoding: identity\r\nX-Our: own\r\n"
    assert asked == [
        f"GET /path?a=b HTTP/1.1\r\n{host}\r\n".encode(),
        f"POST /path?a=b HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\na=b".encode(),
        f"POST /path?a=b HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n".encode(),
    ]


@pytest.mark.parametrize("end", ["\r", "\n", "\0"])
def test_a_header_is_one_line(end: str) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        header_lines({"Authorization": f"Basic{end}Evil: yes"})


def test_a_proxy_of_the_environment_gets_the_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def answer(sock: socket.socket) -> None:
        asked.append(read_request(sock))
        sock.sendall(PLAIN)

    with scripted_server(answer) as proxy, Deadline.after(10).enforced():
        monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.delenv("NO_PROXY", raising=False)
        session = PooledSession("http://server.example:81")
        assert session.call("GET", "/path", head=b"").body == b"hi"
        session.close()

    login = base64.b64encode(b"me:secret").decode()
    assert asked[0].startswith(b"GET http://server.example:81/path HTTP/1.1\r\nHost: server.example:81\r\n")
    assert f"roxy-authorization: basic {login}".lower() in asked[0].decode().lower()
