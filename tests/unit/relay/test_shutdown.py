"""What ends a relay: a request begins the grace, a second one ends it; an operator's command comes with every beat."""

import pytest

from notifications.relay.shutdown import DRAIN, STOP, Shutdown
from notifications.relay.wake import Wake


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def shutdown(now: list[float]) -> Shutdown:
    return Shutdown(grace=10.0, is_draining=False, wake=Wake(), clock=lambda: now[0])


def test_nothing_ends_by_itself(shutdown: Shutdown, now: list[float]) -> None:
    now[0] += 1_000_000
    assert (shutdown.is_requested, shutdown.is_over, shutdown.is_draining) == (False, False, False)


def test_a_request_lets_the_grace_begin(shutdown: Shutdown, now: list[float]) -> None:
    shutdown.request()
    assert (shutdown.is_requested, shutdown.is_over) == (True, False)
    now[0] = 109.9
    assert not shutdown.is_over
    now[0] = 110.0
    assert shutdown.is_over


def test_a_second_request_ends_the_grace(shutdown: Shutdown) -> None:
    for _ in range(2):
        shutdown.request()
    assert shutdown.is_over


def test_an_operators_stop_ends_no_grace_however_often_it_is_told(shutdown: Shutdown) -> None:
    for _ in range(3):
        shutdown.handle_command(STOP)
    assert (shutdown.is_requested, shutdown.is_over) == (True, False)


def test_an_operators_drain_lets_it_go_on(shutdown: Shutdown) -> None:
    shutdown.handle_command("")
    assert not shutdown.is_draining
    shutdown.handle_command(DRAIN)
    assert (shutdown.is_draining, shutdown.is_requested) == (True, False)


def test_a_drained_relays_grace_begins_once(shutdown: Shutdown, now: list[float]) -> None:
    shutdown.begin_grace()
    now[0] = 105.0
    shutdown.begin_grace()
    assert not shutdown.is_over
    now[0] = 110.0
    assert shutdown.is_over


@pytest.mark.timeout(10)
def test_a_request_ends_the_sleep(shutdown: Shutdown) -> None:
    shutdown.request()
    shutdown.wait(100.0)
