"""The total time one send may take, enforced on its sockets: a read timeout alone never ends a server that drips bytes.

A send runs `with deadline.enforced() as transmission`. Whatever carries it (HTTP, SMTP) opens its connections with
`connect`, hands reused ones to `transmission.watch`, and calls `transmission.begin` before the first byte that could
make the provider act. When the deadline comes, one watchdog thread shuts the watched sockets down, which ends every
read and write on them at once. After `enforced` is left nothing is shut down: the connection may serve the next send.

This is what G4 rests on: no byte of a message leaves after its deadline, and the lease is longer than that. Only the
look-up of a host's name cannot be cut short; if a name server hangs, `send` returns late, but then nothing was sent.
"""

import contextlib
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple, Self

from notifications.lifecycle import Transient, Unknown

CONNECT_SECONDS = 5.0  # per address; the other side of the world answers in under one


class DeadlinePassed(TimeoutError):
    """The time was up before anything had been sent."""


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

    @contextlib.contextmanager
    def enforced(self) -> Iterator["Transmission"]:
        """Run one send on this thread; what it watches is shut down at the deadline, and left alone afterwards."""
        transmission = Transmission(self)
        token = _current.set(transmission)
        _watchdog.add(transmission)
        try:
            yield transmission
        finally:
            _watchdog.discard(transmission)
            _current.reset(token)


class Transmission:
    """One send under way: its sockets, and whether any of it may have reached the provider."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.has_begun = False
        self._sockets: list[socket.socket] = []

    def watch(self, sock: socket.socket) -> None:
        """Have `sock` shut down at the deadline. Raises DeadlinePassed when that has come."""
        self._sockets.append(sock)  # before the look at the clock: past it, the watchdog may have been here already
        remaining = self.deadline.remaining()
        if not remaining:
            raise DeadlinePassed
        sock.settimeout(remaining)

    def begin(self) -> None:
        """The next byte may make the provider act: from here on a failure means that nobody knows.

        Raises DeadlinePassed when it is too late to begin.
        """
        if not self.has_begun and self.deadline.is_past:
            raise DeadlinePassed
        self.has_begun = True

    def failure(self, error: BaseException) -> Transient | Unknown:
        """What it means that the connection failed with `error`: certainly not sent, or nobody knows."""
        causes = list(_causes(error))
        is_timeout = self.deadline.is_past or any(isinstance(cause, TimeoutError) for cause in causes)
        if self.has_begun:
            return Unknown("timeout" if is_timeout else "connection_reset", type(causes[-1]).__name__)
        if is_timeout:
            return Transient("connect_timeout", type(causes[-1]).__name__)
        return Transient(_connect_code(causes), type(causes[-1]).__name__)

    def cut(self) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):  # closed by now, or not connected
                # Not sock.shutdown(): for TLS that first drops the encryption, and a write at this moment would go out
                # in clear.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


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
    """The send under way on this thread. Raises LookupError outside `Deadline.enforced`."""
    return _current.get()


def connect(host: str, port: int) -> socket.socket:
    """Connect for the send under way, to whichever address of `host` answers first, and watch the connection.

    Raises OSError: socket.gaierror, ConnectionRefusedError, TimeoutError, DeadlinePassed …
    """
    transmission = current()
    error: OSError = DeadlinePassed()
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        seconds = min(CONNECT_SECONDS, transmission.deadline.remaining())
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
    """Takes the place of the plain socket under the watchdog's eye before the handshake, which may drip as well."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  (the standard library's signature)
        current().watch(self)
        super().do_handshake(block)


def watched(context: ssl.SSLContext) -> ssl.SSLContext:
    """`context`, changed so that the TLS sockets it makes keep to the deadline of the send under way."""
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
