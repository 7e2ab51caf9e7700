"""How many threads a pool has: more while they wait for a provider, one while they only crowd the processor."""

import threading
from typing import Any

import pytest

from notifications.relay.pool import Pool
from notifications.relay.pool_size import LOOK_SECONDS, UNENDED_SECONDS, PoolSize, Usage
from notifications.relay.thread_usage import ThreadUsage

LONG = 30.0  # seconds after which a test gives up


def test_threads_that_wait_become_more_and_threads_that_crowd_the_processor_fewer() -> None:
    size = PoolSize(32)
    for expected in (2, 4, 8, 16, 32, 32):
        size.observe(Usage(seconds=LOOK_SECONDS, cpu=0.0001, busy=LOOK_SECONDS, ended=1))
        assert size.threads == expected
    for expected in (16, 8, 4, 2, 1, 1):
        size.observe(Usage(seconds=LOOK_SECONDS, cpu=LOOK_SECONDS, busy=8 * LOOK_SECONDS, ended=9))
        assert size.threads == expected


def test_a_first_message_that_waits_for_its_files_brings_no_threads() -> None:
    size = PoolSize(32)
    for _ in range(7):  # 35 ms in which a template is read from a cold disk
        size.observe(Usage(seconds=LOOK_SECONDS, cpu=0.0, busy=LOOK_SECONDS))
    assert size.threads == 1


def test_threads_of_which_none_ends_become_more_as_well() -> None:
    """Their provider takes long, or does not answer at all."""
    size = PoolSize(32)
    for expected in (2, 4, 8, 16, 32):
        size.observe(Usage(seconds=UNENDED_SECONDS, cpu=0.0, busy=UNENDED_SECONDS))
        assert size.threads == expected


def test_a_message_that_is_under_way_is_known_by_what_it_has_used() -> None:
    """Known only at its end, it would look like one that waits for its provider."""
    now, is_begun, is_read = [100.0], threading.Event(), threading.Event()
    usages: list[ThreadUsage] = []
    at_the_end: list[Usage] = []

    def work() -> None:
        usage = ThreadUsage(lambda: now[0])
        usages.append(usage)
        usage.begin(100.0)
        is_begun.set()
        while not is_read.is_set():
            pass  # it works
        usage.end(103.0)
        at_the_end.append(usage.read())

    thread = threading.Thread(target=work)
    thread.start()
    assert is_begun.wait(LONG)
    now[0] = 102.0
    (usage,) = usages
    first = usage.read()
    while usage.read().cpu < first.cpu + 0.01:  # pytest's own timeout ends it, should the clock stand still
        pass
    assert (first.busy, first.ended) == (2.0, 0)
    is_read.set()
    thread.join()
    assert (at_the_end[0].busy, at_the_end[0].ended) == (3.0, 1)


@pytest.fixture
def provider() -> Any:
    """Answers nobody until its event is set."""
    answers = threading.Event()
    yield answers
    answers.set()


def test_a_pool_whose_provider_does_not_answer_gets_all_its_threads(provider: threading.Event) -> None:
    now, begun = [100.0], threading.Semaphore(0)

    def work(_: object) -> None:
        begun.release()
        provider.wait(LONG)

    pool = Pool("sms", concurrency=8, most=64, work=work, clock=lambda: now[0])
    message: Any = None
    for _ in range(64):
        pool.put(message)
    for threads, expected in ((1, 2), (2, 4), (4, 8)):
        for _ in range(threads - threads // 2):  # those that are new
            assert begun.acquire(timeout=LONG)
        pool.begin_watch()
        now[0] += 2 * UNENDED_SECONDS
        pool.resize()
        assert pool.threads == expected
