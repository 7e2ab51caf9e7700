"""Measures what somebody waits for: publishing, to one and to many, and from the commit to the provider's call."""

import random
import statistics
import time

from django.db import connection as django_connection
from django.db import transaction

from tests.benchmarks.contenders.base import Contender
from tests.benchmarks.drain import wait_for_first
from tests.benchmarks.processes import Processes
from tests.benchmarks.work import Work

WARM_UP = 20
PAUSE_SECONDS = 0.02  # between messages, so that the workers are idle when one comes


def latencies_ms(contender: Contender, *, samples: int) -> list[float]:
    """From a transaction's commit to its message's call to the provider, one at a time. Raises Missing, Failed."""
    work = Work(messages=samples + WARM_UP, users=samples + WARM_UP)
    contender.prepare(Work(messages=0, users=work.users))
    committed: dict[int, float] = {}
    with Processes() as processes:
        contender.start(work, processes)
        for number in range(1, work.messages + 1):
            _commit(contender, number, committed)
            if number == 1:
                wait_for_first(contender, work, processes)
            time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))
        processes.wait_until(
            lambda: contender.progress(work).total >= work.messages,
            otherwise=f"not all of {work.messages} messages arrived",
            pause=PAUSE_SECONDS,
        )
    called = {delivery.user: delivery.called for delivery in contender.deliveries(work)}
    return [1000 * (called[number] - committed[number]) for number in range(WARM_UP + 1, work.messages + 1)]


def enqueue_ms(contender: Contender, *, samples: int, users: int) -> float:
    """What announcing a booking on three channels adds to the transaction, at the median. Raises Missing."""
    contender.prepare(Work(messages=0, users=users, all_channels=True))
    spent = []
    for number in range(1, samples + WARM_UP + 1):
        with transaction.atomic():
            with django_connection.cursor() as cursor:
                cursor.execute("SELECT 1")  # the transaction has begun
            began = time.perf_counter()
            contender.announce_thrice(number, 1 + number % users)
            spent.append(time.perf_counter() - began)
    return 1000 * statistics.median(spent[WARM_UP:])


def many_seconds(contender: Contender, *, users: int) -> float:
    """What publishing to `users` users takes, with its commit. Raises Missing."""
    contender.prepare_for_many(users)
    began = time.perf_counter()
    with transaction.atomic():
        contender.announce_to_many(users)
    return time.perf_counter() - began


def _commit(contender: Contender, number: int, committed: dict[int, float]) -> None:
    def note() -> None:
        committed[number] = time.time()

    with transaction.atomic():
        transaction.on_commit(note)
        contender.announce(number, number)
