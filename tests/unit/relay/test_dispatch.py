"""How many messages a relay takes in hand for a channel's threads."""

import time

from notifications.relay.pool import PREFETCH_SECONDS, Pool
from notifications.relay.pool_size import Pace


def test_a_pace_is_known_from_the_first_messages_on() -> None:
    pace = Pace()
    pace.add(1, 0.070)  # which found and read its template
    pace.add(40, 0.004)
    assert 3_000 < pace.per_second < 10_000


def test_a_pace_follows_a_provider_that_slows_down_within_some_hundred_messages() -> None:
    pace = Pace()
    pace.add(1_000, 0.1)
    for _ in range(10):
        pace.add(30, 1.5)
    assert 20 < pace.per_second < 1_000


def test_messages_that_took_no_time_have_a_pace_as_well() -> None:
    pace = Pace()
    pace.add(32, 0.0)  # expired, all of them
    assert pace.per_second > 10_000
    pace.add(0, 0.0)
    assert pace.per_second > 10_000


def test_a_pool_takes_what_its_threads_can_do_in_a_moment_and_never_more_than_it_may() -> None:
    pool = Pool("sms", concurrency=32, most=2_000, work=lambda message: None, clock=time.monotonic)
    assert pool.room == 32, "nothing is known yet"
    pool.threads = 4
    pool.pace.per_second = 20.0
    assert pool.room == 32 + 4 * 20 * PREFETCH_SECONDS
    pool.in_flight = 30
    assert pool.room == 2 + 4 * 20 * PREFETCH_SECONDS
    pool.pace.per_second = 100_000.0
    assert pool.room == 2_000 - 30
