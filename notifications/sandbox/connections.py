"""Breaks connections on purpose, for both servers: a reset, or an answer byte by byte."""

import asyncio
import socket
import struct
from typing import Any

_AT_ONCE = struct.pack("ii", 1, 0)


def cut(transport: Any) -> None:
    """End the connection with a reset, as a crashed server or a firewall does."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


async def drip(transport: Any, content: bytes, *, seconds: float) -> None:
    """Write `content` byte by byte, `seconds` apart, until it is out or nobody listens any more."""
    for byte in content:
        if transport is None or transport.is_closing():
            return
        transport.write(bytes([byte]))
        await asyncio.sleep(seconds)


def client_port(transport: Any) -> int:
    peer = transport.get_extra_info("peername") if transport is not None else None
    return peer[1] if peer else 0
