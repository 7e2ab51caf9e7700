"""A total time limit on a call over the network, enforced on its sockets. A read timeout alone does not end a call to a
server that sends one byte now and then.

A call runs `with deadline.enforced() as transmission`. The client that makes it (HTTP, SMTP) opens connections with
`connect`, passes reused ones to `transmission.watch`, and calls `transmission.begin` before the first byte that could
make the server act. At the deadline, one watchdog thread shuts the watched sockets down, which ends every read and
write on them at once. After the block nothing is shut down, so the connection can serve the next call.

G4 rests on this: no byte of a message leaves after its deadline, and the relay's lease is longer. Only a host name's
look-up cannot be interrupted: if a name server hangs, the call returns late, but then nothing was sent.
"""

import contextlib
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import NamedTuple, Self, TypeVar

CONNECT_SECONDS = 5.0  # per address of a host; a server on the other side of the world answers in under one


class DeadlinePassed(TimeoutError):
    """The time was up before anything had been sent."""


class Failure(NamedTuple):
    """Why a call failed: `code` for programs, `detail` for people. `has_begun`: the server may have acted on it."""

    has_begun: bool
    code: str
    detail: str


class Deadline(NamedTuple):
    """A moment on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left; 0 when the deadline is past."""
        return max(0.0, self.at - time.monotonic())

    @property
    def is_past(self) -> bool:
        return time.monotonic() >= self.at

    def enforced(self) -> AbstractContextManager["Transmission"]:
        """Run one call on this thread. What it watches is shut down at the deadline, and left alone afterwards."""
        return enforce(Transmission(self))


class Transmission:
    """One call under way: its sockets, and whether any of it may have reached the server."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.has_begun = False
        self.was_cut = False
        self._sockets: list[socket.socket] = []

    def watch(self, sock: socket.socket) -> None:
        """Have `sock` shut down at the deadline. Raises DeadlinePassed if that is past.

        It has no timeout of its own: Python would poll before each read and write, and set it anew for each call.
        Each of these lets go of the interpreter, which many sending threads then fight for.
        """
        self._sockets.append(sock)  # before reading the clock: after the deadline the watchdog may have run already
        if self.deadline.is_past:
            raise DeadlinePassed
        if sock.gettimeout() is not None:
            sock.settimeout(None)

    def begin(self) -> None:
        """The next byte may make the server act: from now on, the outcome of a failed call is unknown.

        Raises DeadlinePassed when it is too late to begin.
        """
        if not self.has_begun and self.deadline.is_past:
            raise DeadlinePassed
        self.has_begun = True

    def diagnose(self, error: BaseException) -> Failure:
        """Why the call failed with `error`, and whether the server may have acted on it."""
        causes = list(_causes(error))
        is_timeout = self.deadline.is_past or any(isinstance(cause, TimeoutError) for cause in causes)
        if self.has_begun:
            code = "timeout" if is_timeout else "connection_reset"
        else:
            code = "connect_timeout" if is_timeout else _connect_code(causes)
        return Failure(self.has_begun, code, type(causes[-1]).__name__)

    def cut(self) -> None:
        """Shut down every socket of the call."""
        self.was_cut = True
        for sock in self._sockets:
            with contextlib.suppress(OSError):  # closed by now, or not connected
                # Not sock.shutdown(): on TLS that first drops the encryption, and a write at this moment would be sent
                # in the clear.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


_Call = TypeVar("_Call", bound=Transmission)


@contextlib.contextmanager
def enforce(transmission: _Call) -> Iterator[_Call]:
    """Run `transmission` on this thread, and cut it at its deadline if it has not ended by then."""
    token = _current.set(transmission)
    _watchdog.add(transmission)
    try:
        yield transmission
    finally:
        _watchdog.discard(transmission)
        _current.reset(token)


class _Watchdog:
    """Cuts every transmission whose deadline has come. One daemon thread, started with the first transmission."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._transmissions: set[Transmission] = set()
        self._wakes_at = math.inf
        self._is_running = False

    def add(self, transmission: Transmission) -> None:
        with self._changed:
            self._transmissions.add(transmission)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="deadline-watchdog", daemon=True).start()
            elif transmission.deadline.at < self._wakes_at:
                self._changed.notify()

    def discard(self, transmission: Transmission) -> None:
        with self._changed:
            self._transmissions.discard(transmission)

    def _run(self) -> None:
        with self._changed:
            while True:
                self._cut_due()
                self._wakes_at = min((each.deadline.at for each in self._transmissions), default=math.inf)
                self._changed.wait(min(self._wakes_at - time.monotonic(), 3600.0))

    def _cut_due(self) -> None:
        for transmission in [each for each in self._transmissions if each.deadline.is_past]:
            self._transmissions.discard(transmission)
            transmission.cut()


_current: ContextVar[Transmission] = ContextVar("transmission")
_watchdog = _Watchdog()
os.register_at_fork(after_in_child=_watchdog.__init__)  # type: ignore[misc]  # threads do not survive a fork


def current() -> Transmission:
    """The call under way on this thread. Raises LookupError outside `Deadline.enforced`."""
    return _current.get()


def connect(host: str, port: int, *, at_most: float = CONNECT_SECONDS) -> socket.socket:
    """Connect for the call under way to the first address of `host` that answers, and watch the connection.

    Tries each address for `at_most` seconds. Raises OSError: socket.gaierror, ConnectionRefusedError, TimeoutError,
    DeadlinePassed …
    """
    transmission = current()
    error: OSError = DeadlinePassed()
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        seconds = min(at_most, transmission.deadline.remaining())
        if not seconds:
            break
        try:
            sock = socket.create_connection((str(address[0]), port), timeout=seconds)
        except OSError as failure:
            error = failure
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _watched(sock)
    raise error


def _watched(sock: socket.socket) -> socket.socket:
    try:
        current().watch(sock)
    except DeadlinePassed:
        sock.close()
        raise
    return sock


class _WatchedTLS(ssl.SSLSocket):
    """Watched from before the TLS handshake, in place of the plain socket: a handshake may arrive byte by byte, too."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  (the standard library's signature)
        current().watch(self)
        super().do_handshake(block)


def watched(context: ssl.SSLContext) -> ssl.SSLContext:
    """`context`, changed so that the TLS sockets it makes keep to the deadline of the call under way."""
    context.sslsocket_class = _WatchedTLS
    return context


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _connect_code(causes: list[BaseException]) -> str:
    for kind, code in (
        (socket.gaierror, "dns_failure"),
        (ConnectionRefusedError, "connection_refused"),
        (ssl.SSLError, "tls_failure"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return code
    return "connect_failed"
