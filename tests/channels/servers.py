"""Servers that do what a test's script says, byte by byte; for what no decent server would do on request."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

Script = Callable[[socket.socket], None]


@dataclass
class ScriptedServer:
    """A listening socket, all connections that it took, oldest first, and how many of them it has closed."""

    port: int
    connections: list[socket.socket] = field(default_factory=list)
    closed: int = 0


@contextmanager
def scripted_server(*scripts: Script, context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A server on 127.0.0.1 that plays `scripts`, one per connection, the last one for all further connections."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = ScriptedServer(port=listener.getsockname()[1])

        def play(script: Script, sock: socket.socket) -> None:
            _play(script, sock)
            server.closed += 1

        def accept() -> None:
            with contextlib.suppress(OSError):  # the listener's end
                while True:
                    sock, _ = listener.accept()
                    if context is not None:  # its thread shakes hands
                        sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                    script = scripts[min(len(server.connections), len(scripts) - 1)]
                    server.connections.append(sock)
                    threads.append(threading.Thread(target=play, args=[script, sock], daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for sock in server.connections:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # an encrypted one's own would drop its encryption
            for thread in [accepting, *threads]:
                thread.join(timeout=10)
                assert not thread.is_alive(), "a scripted server did not end"


def _play(script: Script, sock: socket.socket) -> None:
    with contextlib.suppress(OSError), sock:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        script(sock)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def silence(sock: socket.socket) -> None:
    """Reads, and never says anything."""
    while sock.recv(65536):
        pass


def reset(sock: socket.socket) -> NoReturn:
    """End the script with a reset of its connection, as a crash does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError


def drip(sock: socket.socket, content: bytes, *, stop: threading.Event) -> None:
    """`content` byte by byte, until it is out, nobody listens, or `stop` is set."""
    for byte in content:
        sock.sendall(bytes([byte]))
        if stop.wait(0.02):
            return


def read_request(sock: socket.socket) -> bytes:
    """One HTTP request, head and body; empty at the end of the connection."""
    content = b""
    while b"\r\n\r\n" not in content:
        piece = sock.recv(65536)
        if not piece:
            return b""
        content += piece
    head, _, body = content.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def created(sid: str = "SM" + "1" * 32) -> bytes:
    body = b'{"sid": "%s", "account_sid": "AC", "status": "queued"}' % sid.encode()
    return b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def smtp_script(heard: list[bytes] | None = None, **answers: bytes | Script) -> Script:
    """An SMTP server; `answers` replaces what it says to a command, or to `greeting` and to the final dot, `words`.

    Every line that it is told is put into `heard`.
    """
    heard = [] if heard is None else heard
    usual: dict[str, bytes | Script] = {
        "greeting": b"220 scripted ESMTP\r\n",
        "ehlo": b"250-scripted\r\n250 AUTH PLAIN\r\n",
        "auth": b"235 welcome\r\n",
        "mail": b"250 ok\r\n",
        "rcpt": b"250 ok\r\n",
        "data": b"354 go on\r\n",
        "words": b"250 taken\r\n",
        "rset": b"250 ok\r\n",
        "quit": b"221 bye\r\n",
    } | answers

    def say(sock: socket.socket, stage: str) -> None:
        answer = usual.get(stage, b"502 what?\r\n")
        if callable(answer):
            answer(sock)
        else:
            sock.sendall(answer)

    def script(sock: socket.socket) -> None:
        say(sock, "greeting")
        with sock.makefile("rb") as lines:
            while line := lines.readline():
                heard.append(line.rstrip(b"\r\n"))
                command = line.split()[0].decode().lower()
                say(sock, command)
                if command == "quit":
                    return
                if command == "data" and isinstance(usual["data"], bytes) and usual["data"].startswith(b"354"):
                    while (words := lines.readline()) not in (b".\r\n", b""):
                        heard.append(words.rstrip(b"\r\n"))
                    say(sock, "words")

    return script
