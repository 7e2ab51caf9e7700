"""A network between a process and PostgreSQL that can be cut and mended."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from config.environment import env


class Proxy:
    """Forwards connections on `port` to the server at `address`, unless it is cut."""

    def __init__(self, address: str | tuple[str, int]) -> None:
        self._address = address
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._speaks = threading.Event()
        self._speaks.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection, and every new one at once."""
        self._is_cut = True
        for each in list(self._open):
            self._end(each)

    def mend(self) -> None:
        self._is_cut = False
        self._speaks.set()

    def hush(self) -> None:
        """Keep every connection, take new ones, and hand on nothing, as a server does whose processes are stopped."""
        self._speaks.clear()

    def close(self) -> None:
        self.cut()
        self._speaks.set()
        self._end(self._listening)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
            server = socket.socket(family)
            server.connect(self._address)
            self._open |= {client, server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._speaks.wait()
                target.sendall(data)
        self._end(source)
        self._end(target)

    def _end(self, each: socket.socket) -> None:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
        self._open.discard(each)


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    """A network to the test database."""
    given = env.db_url_config(database_url)
    host = given["HOST"] or given.get("OPTIONS", {}).get("host", "localhost")
    port = int(given["PORT"] or given.get("OPTIONS", {}).get("port", 5432))
    made = Proxy(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port))
    yield made
    made.close()


def url_through(port: int, database_url: str) -> str:
    """`database_url` with 127.0.0.1:`port` in place of its server."""
    given = env.db_url_config(database_url)
    password = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    return f"postgresql://{given['USER'] or 'postgres'}{password}@127.0.0.1:{port}/{given['NAME']}"
