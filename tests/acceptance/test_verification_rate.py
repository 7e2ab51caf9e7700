"""Fifty customers a second report their payments: over HTTP, to a web of two processes, with the gateway a process.

All of it runs on this machine's processors, the customers too. What else runs there can spoil a series, never make one
better: so one good one of a few is enough. A processor of half the speed gets half as many customers and may take twice
as long, up to what is promised: with all fifty, what is measured would be the queue before it.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from bookings.gateways import gateway
from tests.stage.customers import who_have_paid
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.load import at_rate, percentile
from tests.stage.web import running_web

pytestmark = [
    *(pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("commits_reach_the_disk")),
    *(pytest.mark.alone, pytest.mark.timeout(300)),
]

PER_SECOND = 50
WARM_UP, EACH, MOST_SERIES = 100, 200, 5
MOST_P50_MS, MOST_P99_MS = 15.0, 60.0  # the median without the gateway's own time, which no shop can help
MILLION_ADDITIONS_MS = 60.0  # of the processor that these were measured on
PROMISED_MS = 200.0
BUSY = 2  # times as long is accepted if no series is good, on a machine that does something else all the while


def slowness() -> float:
    """How many times as long this processor takes now for something that is nothing but Python. At least 1."""
    took = []
    for _ in range(5):
        began, total = time.perf_counter(), 0  # not the process's own time: a machine may be lent to others meanwhile
        for number in range(1_000_000):
            total += number
        took.append(1000 * (time.perf_counter() - began))
    return max(1.0, statistics.median(took) / MILLION_ADDITIONS_MS)


@contextmanager
def timing(ask: Callable[[], object]) -> Iterator[list[float]]:
    """While the block lasts, `ask` some twenty times a second; the milliseconds that each took."""
    took: list[float] = []
    is_over = threading.Event()

    def keep_asking() -> None:
        while not is_over.wait(0.05):
            began = time.perf_counter()
            ask()
            took.append(1000 * (time.perf_counter() - began))

    thread = threading.Thread(target=keep_asking, daemon=True)
    thread.start()
    yield took
    is_over.set()
    thread.join()


@dataclass(frozen=True)
class Series:
    """What customers waited, in milliseconds: half of them less than `p50` beside what the gateway took of it."""

    slowness: float
    p50: float
    p99: float
    gateway: float

    def is_good(self, room: float = 1) -> bool:
        """Whether nobody waited too long, or longer than `room` times that."""
        room *= self.slowness
        return self.p50 <= room * MOST_P50_MS and self.p99 <= min(room * MOST_P99_MS, PROMISED_MS)


def measure(payment_gateway: GatewayProcess, web: str) -> Series:
    slower = slowness()
    with (
        who_have_paid(payment_gateway.url, web, number=EACH) as calls,
        timing(lambda: gateway().fetch_payment("pay_nobody")) as at_gateway,
    ):
        seconds = at_rate(calls, per_second=PER_SECOND / slower)
    elsewhere = statistics.median(at_gateway)
    return Series(slower, 1000 * percentile(seconds, 0.50) - elsewhere, 1000 * percentile(seconds, 0.99), elsewhere)


def test_fifty_a_second_are_answered_in_time(
    transactional_db: None, database_url: str, payment_gateway: GatewayProcess
) -> None:
    environment = {"DATABASE_URL": database_url, "SANDBOX_GATEWAY_URL": payment_gateway.url}
    series: list[Series] = []
    with running_web(**environment, SANDBOX_GATEWAY_SECRET=SECRET) as web:
        with who_have_paid(payment_gateway.url, web, number=WARM_UP) as calls:
            at_rate(calls, per_second=PER_SECOND / slowness())
        while len(series) < MOST_SERIES and not any(each.is_good() for each in series):
            series.append(measure(payment_gateway, web))
            print(series[-1])
    assert any(each.is_good(BUSY) for each in series), series
