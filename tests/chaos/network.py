"""The campaign's network, a process of its own: every link can be cut, stalled, slowed down and mended.

`python -m tests.chaos.network` reads a JSON line {link: address} from its arguments, prints {link: port, …, "": the
control port} and then does what the lines on the control port say: ["cut", "database:*"]. An address is a path of a
unix socket or host:port.
"""

import asyncio
import contextlib
import fnmatch
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Iterable

CHUNK_BYTES = 65536


class Link:
    """One way to one server, for one process."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._delay = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._port = 0

    async def listen(self) -> int:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    def refuse(self, _: str) -> None:
        """Close every connection, and take no new one: nobody listens."""
        if self._server:
            self._server.close()
            self._server = None
        self.cut(_)

    def cut(self, _: str) -> None:
        """Close every connection, and every new one at once."""
        self._is_cut = True
        for writer in list(self._open):
            writer.transport.abort()

    def stall(self, _: str) -> None:
        """Let nothing through, and let nobody know: not even that the other side has gone."""
        self._flows.clear()

    def slow(self, seconds: str) -> None:
        """Hold each piece back for a while."""
        self._delay = float(seconds)

    def lead(self, address: str) -> None:
        """Lead to another server from now on, and close what leads to the old one."""
        self._address = address
        for writer in list(self._open):
            writer.transport.abort()

    def mend(self, _: str) -> Awaitable[object] | None:
        self._is_cut, self._delay = False, 0.0
        self._flows.set()
        return None if self._server else self.listen()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        try:
            there, back = await self._connect()
        except OSError:  # nobody is there
            writer.transport.abort()
            return
        if self._is_cut:
            writer.transport.abort()
            back.transport.abort()
            return
        pair = {writer, back}
        self._open |= pair
        try:
            await asyncio.gather(self._pump(reader, back, pair), self._pump(there, writer, pair))
        finally:
            self._open -= pair

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("/"):
            return await asyncio.open_unix_connection(self._address)
        host, _, port = self._address.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: Iterable[asyncio.StreamWriter]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        await self._flows.wait()
        for each in pair:
            each.close()


class Network:
    """The director's hand on the network."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._control = socket.create_connection(("127.0.0.1", ports[""]), timeout=10)
        self._answers = self._control.makefile("r")

    def port(self, link: str) -> int:
        return self._ports[link]

    def order(self, action: str, links: str, value: str = "") -> None:
        """Have it done; returns once it is."""
        self._control.sendall(json.dumps([action, links, value]).encode() + b"\n")
        self._answers.readline()

    def close(self) -> None:
        self._answers.close()
        self._control.close()


async def serve(addresses: dict[str, str]) -> None:
    links = {name: Link(address) for name, address in addresses.items()}

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            action, pattern, value = json.loads(line)
            for name in fnmatch.filter(links, pattern):
                if (done := getattr(links[name], action)(value)) is not None:
                    await done
            writer.write(b"done\n")
        writer.close()

    control = await asyncio.start_server(obey, "127.0.0.1", 0)
    ports = {name: await link.listen() for name, link in links.items()}
    print(json.dumps(ports | {"": control.sockets[0].getsockname()[1]}), flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
