"""The provider that does nothing, for everybody alike: it takes its time, and answers with the moment of the call.

The relay keeps that answer in its own records. What the peers deliver is noted in a journal, because not all of them
keep any: one small write for each message, by whichever process sent it.
"""

import asyncio
import os
import struct
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.lifecycle import Accepted, Outcome
from tests.benchmarks.real_providers import IS_REAL, send_sms
from tests.benchmarks.work import Delivery

LATENCY = "BENCHMARK_LATENCY_SECONDS"
JOURNAL = "BENCHMARK_JOURNAL"
ENTRY = struct.Struct("qqdd")  # number, user, called, settled


class NoOpChannel(Channel):
    """A channel of the outbox whose provider is this module."""

    address_field = "phone"
    templates = {"text": "sms.txt"}
    most_files = 10  # it takes what the real channels take

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._latency = latency()

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        return cls(name)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        called = time.time()
        if self._latency:
            time.sleep(self._latency)
        return Accepted(f"{called:.6f}")


def deliver(number: int, user: int) -> None:
    """What a peer's task does."""
    called = time.time()
    if is_real():
        send_sms(number, user)
    if latency():
        time.sleep(latency())
    _note(number, user, called)


async def deliver_async(number: int, user: int) -> None:
    """What a peer's coroutine does."""
    called = time.time()
    if latency():
        await asyncio.sleep(latency())
    _note(number, user, called)


@cache
def is_real() -> bool:
    return IS_REAL in os.environ


@cache
def latency() -> float:
    return float(os.environ.get(LATENCY, "0"))


def _note(number: int, user: int, called: float) -> None:
    os.write(_journal(os.getpid()), ENTRY.pack(number, user, called, time.time()))


@cache
def _journal(_process: int) -> int:
    return os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class Journal:
    """The peers' deliveries, read while they are written. Small appended writes of many processes never mix."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.clear()

    @property
    def environment(self) -> dict[str, str]:
        return {JOURNAL: str(self._path)}

    def clear(self) -> None:
        self._path.write_bytes(b"")
        self._read = 0
        self.deliveries: list[Delivery] = []

    def follow(self) -> list[Delivery]:
        """All deliveries so far."""
        with self._path.open("rb") as journal:
            journal.seek(self._read)
            text = journal.read()
        text = text[: len(text) - len(text) % ENTRY.size]
        self._read += len(text)
        self.deliveries.extend(_entries(text))
        return self.deliveries


def _entries(text: bytes) -> Iterator[Delivery]:
    for number, user, called, settled in ENTRY.iter_unpack(text):
        yield Delivery(number, user, called, called, settled)
