"""Notices a database server that says nothing: stopped, frozen, or cut off without a word.

Its machine may go on acknowledging every packet, so no keep-alive and no TCP timeout tells. A slow statement is as
quiet as a stopped server. So, while a statement waits, the server is asked on the side for one byte, as every client
asks it for TLS. If that is not answered either, the connection is given up with an OperationalError, which means "not
now" (`database_errors`). A server that works on a long statement answers, and is waited for.

Watching costs each wait about a microsecond of processor time, where a trivial round trip takes 40.
"""

import socket
import weakref
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

import psycopg
from psycopg.waiting import Ready

# A peer that vanished is noticed within nine seconds, idle or not. libpq takes numbers of seconds, and milliseconds.
LIMITS = {
    "connect_timeout": 2,  # for each host of the URL
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 9_000,
}
QUIET_SECONDS = 1.0  # that a statement may take before the server is asked, and then twice as long, and so on
LONGEST_QUIET_SECONDS = 16.0
ANSWER_SECONDS = 2.0
TRIES = 5  # for a statement whose server has answered before: an hour's work does not end because of one lost packet
ASKS_FOR_TLS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest: answered with one byte, before any login
SAYS = "the server is silent: it answers neither this statement nor a new connection"

Connection = psycopg.Connection[Any]


def watch(connection: Connection) -> None:
    """Have every wait for `connection` end in an OperationalError once its server is silent."""
    connection.wait = partial(_wait, weakref.ref(connection))  # type: ignore[method-assign]


def _wait(
    watched: Callable[[], Connection | None], generator: Generator[Any, Any, Any], *arguments: Any, **more: Any
) -> Any:
    connection = watched()
    if connection is None:
        raise psycopg.OperationalError("the connection is gone")
    return type(connection).wait(connection, _attentive(generator, connection), *arguments, **more)


def _attentive(generator: Generator[Any, Any, Any], connection: Connection) -> Generator[Any, Any, Any]:
    """What `generator` does, which waits for the server; looks at the clock only while nothing comes."""
    quiet, since, tries = QUIET_SECONDS, 0.0, 1
    try:
        wants = next(generator)
        while True:
            ready = yield wants
            if ready != Ready.NONE:
                since = 0.0
            elif not since:
                since = monotonic()
            elif monotonic() - since > quiet:
                if not any(_answers(connection) for _ in range(tries)):
                    generator.close()
                    connection.close()  # or a rollback would wait as long again
                    raise psycopg.OperationalError(SAYS)
                quiet, since, tries = min(2 * quiet, LONGEST_QUIET_SECONDS), monotonic(), TRIES
            wants = generator.send(ready)
    except StopIteration as end:
        return end.value


def _answers(connection: Connection) -> bool:
    """Whether the server answers a new connection at all."""
    info = connection.info
    host, port = info.hostaddr or info.host, info.port
    with suppress(OSError), _connected(host, port) as asked:
        asked.sendall(ASKS_FOR_TLS)
        return bool(asked.recv(1))
    return False


def _connected(host: str, port: int) -> socket.socket:
    """A socket that waits ANSWER_SECONDS at most for whatever it does."""
    if not host.startswith(("/", "@")):
        return socket.create_connection((host, port), timeout=ANSWER_SECONDS)
    asked = socket.socket(socket.AF_UNIX)
    asked.settimeout(ANSWER_SECONDS)
    path = f"{host}/.s.PGSQL.{port}"
    try:
        asked.connect(f"\0{path[1:]}" if path.startswith("@") else path)  # @: an abstract one
    except OSError:
        asked.close()
        raise
    return asked
