"""One HTTP/1.1 request and its answer on an open socket, for calls whose cost counts.

What most servers answer, a head that states the body's length, is read here in microseconds. For everything else
(chunks, no length, interim answers) the standard library reads the answer, beginning with the bytes that are here.
"""

import io
import re
import socket
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple

PIECE = 65_536  # bytes per read; a provider's answer is a few hundred
MOST_HEAD = 65_536  # bytes; the standard library's limits are of this order
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?")
WITHOUT_BODY = (204, 304)


class Answer(NamedTuple):
    """A server's answer; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Read(NamedTuple):
    """An answer, and whether the connection can serve another call."""

    answer: Answer
    is_reusable: bool


def exchange(sock: socket.socket, request: bytes, *, method: str) -> Read:
    """Send `request`, head and body, and read the answer. Raises OSError."""
    sock.sendall(request)
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        piece = sock.recv(PIECE)
        if not piece or len(received) > MOST_HEAD:
            raise ConnectionResetError("The connection ended before an answer.")
        received += piece
    head = _simple_head(received[:end], method)
    return _with_length(sock, head, received[end + 4 :]) if head else _by_library(sock, received, method)


class _Head(NamedTuple):
    status: int
    headers: dict[str, str]
    length: int


def _simple_head(head: bytes, method: str) -> _Head | None:
    """The head, if a body of a stated length follows it and nothing about it is unusual."""
    first, *lines = head.split(b"\r\n")
    status = STATUS_LINE.fullmatch(first)
    headers = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        name = name.lower()
        if not colon or not name or name[0] in " \t" or name in headers:
            return None
        headers[name] = value.strip()
    length = headers.get("content-length", "")
    if status is None or "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        return None
    if method == "HEAD" or int(status[1]) in WITHOUT_BODY:
        return None
    return _Head(int(status[1]), headers, int(length))


def _with_length(sock: socket.socket, head: _Head, body: bytes) -> Read:
    while len(body) < head.length:
        piece = sock.recv(PIECE)
        if not piece:
            raise ConnectionResetError("The connection ended before the answer did.")
        body += piece
    is_reusable = len(body) == head.length and head.headers.get("connection", "").lower() != "close"
    return Read(Answer(head.status, head.headers, body[: head.length]), is_reusable)


def _by_library(sock: socket.socket, received: bytes, method: str) -> Read:
    """The answer that begins with `received`. Raises OSError."""
    response = HTTPResponse(_Resumed(sock, received), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read()
    except HTTPException as error:
        raise ConnectionError("The answer is not HTTP.") from error
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Read(Answer(response.status, headers, body), is_reusable=False)


class _Resumed(io.RawIOBase):
    """What the standard library reads of a connection: first `received`, then what comes."""

    def __init__(self, sock: socket.socket, received: bytes) -> None:
        self._sock = sock
        self._received = received

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._received:
            return self._sock.recv_into(buffer)
        taken, self._received = self._received[: len(buffer)], self._received[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
