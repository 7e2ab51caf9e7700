"""Measures how fast a contender gets through its work, and proves that it did it.

The clock runs from the first call to the provider to the last outcome written down: nobody's start-up counts.
"""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from tests.benchmarks.contenders.base import Contender
from tests.benchmarks.processes import Processes
from tests.benchmarks.real_providers import running
from tests.benchmarks.seeding import Connection
from tests.benchmarks.work import Delivery, Failed, Work

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Drain:
    """What came of a run. Rates are in messages/s, memory in MB of the first worker."""

    per_second: float
    last_quarter_per_second: float
    was_stopped: bool
    out_of_order: int
    memory: tuple[float, float]  # after a tenth of the messages, and at the end
    cpu_ms: float  # of the contender's processes, for each message


def drain(contender: Contender, work: Work, *, connection: Connection, limit_seconds: float) -> Drain:
    """Let `contender` do `work`. Raises Missing if that makes no sense, Failed if it was not done, or not in order."""
    contender.refuse(work)
    contender.prepare(work)
    with (
        _old_snapshot(connection, wanted=work.has_old_snapshot),
        running(work.channel) if work.is_real else nullcontext({}) as provider,
        Processes(**provider) as processes,
    ):
        contender.start(work, processes)
        was_stopped, used = _wait(contender, work, processes, limit_seconds=limit_seconds)
        stopped_at = time.time()
    deliveries = contender.deliveries(work)
    measured = [delivery for delivery in deliveries if delivery.user <= work.users]
    out_of_order = verify(measured, work, is_complete=not was_stopped)
    if contender.keeps_order and out_of_order:
        raise Failed(f"{out_of_order} messages were sent before the one ahead of them was settled")
    began = min(delivery.began for delivery in deliveries)
    ended = stopped_at if was_stopped else max(delivery.settled for delivery in measured)
    return Drain(
        per_second=len(measured) / (ended - began),
        last_quarter_per_second=_last_quarter(measured),
        was_stopped=was_stopped,
        out_of_order=out_of_order,
        memory=used.memory,
        cpu_ms=used.cpu_ms,
    )


def verify(measured: list[Delivery], work: Work, *, is_complete: bool) -> int:
    """Raise Failed unless each message was sent once and none is missing; how many overtook their predecessor."""
    numbers = {delivery.number for delivery in measured}
    if len(numbers) != len(measured):
        raise Failed(f"{len(measured) - len(numbers)} messages were sent twice")
    if is_complete and len(measured) != work.messages:
        raise Failed(f"{len(measured)} of {work.messages} messages were sent")
    in_lanes = sorted(measured, key=lambda delivery: (delivery.user, delivery.number))
    return sum(
        earlier.user == later.user and (later.began < earlier.settled or later.number != earlier.number + work.users)
        for earlier, later in itertools.pairwise(in_lanes)
    )


def wait_for_first(contender: Contender, work: Work, processes: Processes) -> None:
    """Wait until the workers are up: until something was sent."""
    processes.wait_until(lambda: contender.progress(work).total, otherwise="nothing was sent", pause=POLL_SECONDS / 5)


class _Used(NamedTuple):
    memory: tuple[float, float]
    cpu_ms: float


def _wait(contender: Contender, work: Work, processes: Processes, *, limit_seconds: float) -> tuple[bool, _Used]:
    """Wait until the work is done or the time is up; whether it was, and what was used meanwhile."""
    wait_for_first(contender, work, processes)
    deadline = time.monotonic() + limit_seconds
    first, processor = contender.progress(work).total, processes.processor_seconds()
    early = None
    while (done := contender.progress(work)).measured < work.messages:
        processes.check()
        if early is None and done.measured >= work.messages / 10:
            early = processes.resident_mb()
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    late = processes.resident_mb()
    cpu_ms = 1000 * (processes.processor_seconds() - processor) / max(done.total - first, 1)
    return done.measured < work.messages, _Used((early or late, late), cpu_ms)


def _last_quarter(measured: list[Delivery]) -> float:
    settled = sorted(delivery.settled for delivery in measured)
    quarter = settled[len(settled) * 3 // 4 :]
    return (len(quarter) - 1) / (quarter[-1] - quarter[0]) if len(quarter) > 1 and quarter[-1] > quarter[0] else 0.0


@contextmanager
def _old_snapshot(connection: Connection, *, wanted: bool) -> Iterator[None]:
    """While the block lasts, somebody else's transaction sees the database as it is now."""
    if not wanted:
        yield
        return
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT txid_current_snapshot()")
        yield
        reader.rollback()
