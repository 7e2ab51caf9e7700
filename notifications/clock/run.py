"""Runs the jobs that are due. Every relay has a clock, and each job runs in one of them at a time.

A clock takes the due jobs by one statement, which makes them due again a period later. Each job then has a thread and a
connection of its own: one that fails or hangs stops no other, nor the relay's sends. Whatever happens to the database,
the clock asks again.
"""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.db import connections

from notifications.clock.jobs import JOBS, Job
from notifications.protocol.arrays import numbers, texts
from notifications.protocol.run_sql import execute, fetch_all
from notifications.protocol.sql_clock import END, TAKE
from notifications.shards import on_database
from notifications.telemetry import emit

TICK_SECONDS = 15.0  # how late a job may be; one statement each time
STOP_SECONDS = 5.0  # for jobs that run when the clock is stopped; afterwards they end with the process


class Clock:
    """`run` returns once stopped. With `hangs_up` it connects anew for each look, and holds no connection between."""

    def __init__(
        self,
        using: str,
        *,
        jobs: Sequence[Job] = JOBS,
        tick_seconds: float = TICK_SECONDS,
        hangs_up: bool = False,
    ) -> None:
        self._using = using
        self._jobs = {job.name: job for job in jobs}
        self._tick_seconds = tick_seconds
        self._hangs_up = hangs_up
        self._stopping = threading.Event()
        self._running: list[threading.Thread] = []

    def stop(self) -> None:
        """Take no more jobs. Signal-safe."""
        self._stopping.set()

    def run(self) -> None:
        """Run what falls due, until stopped; then give running jobs a moment to end."""
        try:
            while not self._stopping.is_set():
                self.tick()
                if self._hangs_up:
                    connections[self._using].close()
                self._stopping.wait(self._tick_seconds * random.uniform(0.5, 1.0))  # noqa: S311  (clocks in step would meet)
            for thread in self._running:
                thread.join(STOP_SECONDS)
        finally:
            connections[self._using].close()

    def tick(self) -> list[threading.Thread]:
        """Begin the jobs that are due; returns their threads. Never raises: the database may be back next time."""
        self._running = [thread for thread in self._running if thread.is_alive()]
        try:
            begun = [self._begin(name) for name in self._take()]
        except Exception as error:  # noqa: BLE001  (away, read-only, or not migrated yet)
            emit("clock.waiting", error=type(error).__name__)
            connections[self._using].close()
            return []
        self._running += begun
        return begun

    def _take(self) -> list[str]:
        jobs = list(self._jobs.values())
        parameters = {
            "names": texts(job.name for job in jobs),
            "periods": numbers(job.period for job in jobs),
            "leases": numbers(job.lease for job in jobs),
        }
        return [name for (name,) in fetch_all(TAKE, parameters, using=self._using)]

    def _begin(self, name: str) -> threading.Thread:
        thread = threading.Thread(target=self._work, args=(self._jobs[name],), name=f"clock: {name}", daemon=True)
        thread.start()
        return thread

    def _work(self, job: Job) -> None:
        try:
            with on_database(self._using):
                error = self._error_of(job)
            execute(END, {"name": job.name, "error": error}, using=self._using)
        except Exception as lost:  # noqa: BLE001  (the job's lease runs out, and it runs again)
            emit("clock.waiting", error=type(lost).__name__)
        finally:
            connections.close_all()

    def _error_of(self, job: Job) -> str:
        """Run `job`; the type of what it raised, since its words may name a person (G12), or an empty text."""
        try:
            job.run(self._using)
        except BaseException as error:  # noqa: BLE001  (it must stop no other job)
            emit("clock.failed", job=job.name, error=type(error).__name__)
            connections[self._using].close()
            return type(error).__name__[:64]
        return ""


@contextmanager
def clocks_beside(databases: Sequence[str]) -> Iterator[list[Clock]]:
    """A clock for each of `databases` in a thread of its own, for as long as the block runs."""
    with ExitStack() as stack:
        clocks = [stack.enter_context(_clock_beside(using, hangs_up=len(databases) > 1)) for using in databases]
        try:
            yield clocks
        finally:
            for clock in clocks:  # all, before the first is waited for
                clock.stop()


@contextmanager
def _clock_beside(using: str, *, hangs_up: bool) -> Iterator[Clock]:
    clock = Clock(using, hangs_up=hangs_up)
    thread = threading.Thread(target=clock.run, name="clock", daemon=True)
    thread.start()
    try:
        yield clock
    finally:
        clock.stop()
        thread.join(STOP_SECONDS)
