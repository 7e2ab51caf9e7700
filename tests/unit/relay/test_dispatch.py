"""How many messages a relay takes in hand for a channel's threads, and when these wake it."""

import time
from typing import Any

from notifications.lifecycle import Status
from notifications.relay.dispatch import Dispatcher
from notifications.relay.messages import Claimed, Settlement
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


class Delivered:
    """Stands for a Delivery that settles everything."""

    is_stopping = False

    def deliver(self, message: Claimed) -> Settlement:
        return Settlement(message, Status.SENT, 1)


def test_who_waits_for_all_sends_is_woken_by_the_last() -> None:
    woken: list[int] = []
    delivery: Any = Delivered()
    dispatcher = Dispatcher(delivery, ["sms"], concurrency=1, most=10, on_done=lambda: woken.append(len(woken)))
    dispatcher._pools["sms"].in_flight = 3
    message: Any = None
    with dispatcher.waking_at_last():
        dispatcher._deliver(message)
        dispatcher._deliver(message)
        assert (woken, dispatcher.is_idle) == ([], False)
        dispatcher._deliver(message)
        assert (woken, dispatcher.is_idle) == ([0], True)
    dispatcher._pools["sms"].in_flight = 5
    dispatcher._deliver(message)
    assert len(woken) == 2, "and otherwise by each"


def test_a_pool_hangs_once_some_are_under_way_and_none_of_its_sends_ends() -> None:
    now = [100.0]
    delivery: Any = Delivered()
    dispatcher = Dispatcher(delivery, ["sms"], concurrency=8, most=8, on_done=lambda: None, clock=lambda: now[0])
    dispatcher._pools["sms"]._start_threads = lambda: None  # type: ignore[method-assign]  (nothing is sent)
    message: Any = Claimed(**dict.fromkeys(Claimed._fields))._replace(id=1, channel="sms")  # type: ignore[arg-type]

    def hangs_after(seconds: float, *, sends: int) -> bool:
        dispatcher.submit([message] * sends)
        now[0] += seconds
        return dispatcher.is_hanging("sms")

    assert not hangs_after(9.0, sends=4), "so few may be bad luck"
    assert hangs_after(0.0, sends=1), "five, of which the first began nine seconds ago"
    dispatcher._pools["sms"].ended_at = now[0]
    assert not hangs_after(1.9, sends=0), "one has ended, though nobody has counted it"
    assert hangs_after(0.2, sends=0)
    dispatcher._done.extend(Settlement(message, Status.SENT, 1) for _ in range(5))
    dispatcher.collect()
    now[0] += 60.0
    assert not hangs_after(0.1, sends=5), "nothing was under way before"


def test_what_is_claimed_anew_stays_in_hand_when_an_older_claim_of_it_ends() -> None:
    """A relay that was stopped beyond its lease lives on, and may be given what it is still sending."""
    delivery: Any = Delivered()
    dispatcher = Dispatcher(delivery, ["sms"], concurrency=8, most=8, on_done=lambda: None)
    dispatcher._pools["sms"]._start_threads = lambda: None  # type: ignore[method-assign]  (nothing is sent)
    nothing: Any = dict.fromkeys(Claimed._fields)
    older, newer = (Claimed(**nothing)._replace(id=7, claim_number=number, channel="sms") for number in (1, 2))
    dispatcher.submit([older, newer])
    dispatcher._done.append(Settlement(older, Status.SENT, 1))
    dispatcher.collect()
    assert dispatcher.in_hand == {newer.claim}
