"""`python -m` this file: a mail server that takes every message and forgets it. Prints its port."""

import asyncio

ANSWERS = {b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n"}
END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection. Commands come in lines; after DATA all is text, up to the final dot."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""
        self._is_text = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        answers = []
        while True:
            piece, end, rest = self._received.partition(END if self._is_text else b"\r\n")
            if not end:
                break
            self._received = rest
            command = b"" if self._is_text else piece[:4].upper()
            answers.append(ANSWERS.get(command, b"250 ok\r\n"))
            self._is_text = command == b"DATA"
        self._transport.write(b"".join(answers))


async def serve() -> None:
    """Serve on a free port until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
