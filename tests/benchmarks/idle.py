"""Measures what a worker costs while there is nothing to do."""

import time

from tests.benchmarks.contenders.base import Contender
from tests.benchmarks.drain import wait_for_first
from tests.benchmarks.processes import Processes
from tests.benchmarks.work import Work

SETTLING_SECONDS = 1.0


def idle_percent(contender: Contender, *, seconds: float) -> float:
    """Percent of one processor that a worker uses after it has sent its one message."""
    work = Work(messages=1, users=1)
    contender.prepare(work)
    with Processes() as processes:
        contender.start(work, processes)
        wait_for_first(contender, work, processes)
        time.sleep(SETTLING_SECONDS)
        used, began = processes.processor_seconds(), time.monotonic()
        time.sleep(seconds)
        return 100 * (processes.processor_seconds() - used) / (time.monotonic() - began)
