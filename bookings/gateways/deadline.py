"""The total time that a call to a gateway may take, however slowly the other side speaks.

The timeout of `requests` holds for each read: a server that sends a byte now and then keeps its caller for ever. Within
`within`, a session made here has the whole answer in time or raises requests.RequestException: connecting and repeated
tries included. Only the look-up of a host's name cannot be cut short.
"""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.retry import Retry

CONNECT_SECONDS = 2.0  # for each address of a host
POOL_SIZE = 64  # connections kept alive; more are opened when needed and closed after use

_ends_at: ContextVar[float] = ContextVar("ends_at")  # of the call under way on this thread, by the monotonic clock


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have what goes over the network in this block end in `seconds`, all of it together."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def timed_session(*, retries: Retry | int = 0) -> requests.Session:
    """A session that is used in blocks of `within` only; LookupError elsewhere."""
    session = requests.Session()
    adapter = _Adapter(pool_maxsize=POOL_SIZE, max_retries=retries)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def _remaining() -> float:
    """Seconds that are left of the call under way. Raises TimeoutError."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("The time for the whole call is up.")
    return left


class _TimedReader(io.RawIOBase):
    """The bytes that come out of a socket, for as long as there is time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_remaining())
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _TimedSocket:
    """Takes the socket's place where an answer is read from it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock))


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_TimedSocket(sock), *arguments, **options)  # type: ignore[arg-type]


class _Timed(HTTPConnection):
    """A connection whose every wait ends with the time of the call that uses it."""

    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        problem: OSError = TimeoutError("There was no time to connect.")
        try:
            for *_, address in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM):
                try:
                    return self._connected(str(address[0]))
                except OSError as error:
                    problem = error
        except OSError as error:
            problem = error
        raise NewConnectionError(self, f"Could not connect: {problem}") from problem

    def _connected(self, address: str) -> socket.socket:
        sock = socket.create_connection((address, self.port), timeout=min(CONNECT_SECONDS, _remaining()))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(_remaining())  # of an earlier call it has what was left
        super().request(*arguments, **options)


class _TimedTLS(_Timed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTLS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager
