"""An outage is five failures in a row over all relays, as their reports to the real database show it (G10)."""

from collections.abc import Callable

import pytest

from notifications.lifecycle import Accepted, Transient, Unknown
from notifications.models import ChannelState
from notifications.relay.breaker import FAILURES, Breaker
from notifications.relay.gate import Gate
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)

MakeRelay = Callable[..., HandRelay]


class Reporter:
    """A relay that only reports what its provider said."""

    def __init__(self, relay: HandRelay) -> None:
        self.relay, self.breaker = relay, Breaker()
        self.gate = Gate({"sms": self.breaker}, rates={})
        self.gate.register_channels(relay.connection)

    def saw(self, *, accepted: int = 0, failed: int = 0) -> None:
        """First so many answers, then so many failures, and then a report."""
        for _ in range(accepted):
            self.breaker.record(Accepted("yes"))
        for _ in range(failed):
            self.breaker.record(Transient("http_503"))
        self.gate.report(self.relay.connection)

    def beat(self) -> None:
        self.gate.learn(self.relay.lease.beat(self.relay.connection, in_flight=0).channels)


@pytest.fixture
def reporters(hand_relay: MakeRelay) -> list[Reporter]:
    return [Reporter(hand_relay()) for _ in range(3)]


def state() -> tuple[int, bool]:
    """Failures in a row, and whether that is an outage."""
    row = ChannelState.objects.get(name="sms")
    return row.failures, row.broken_at is not None


def test_single_failures_among_hundreds_of_answers_are_no_outage(reporters: list[Reporter]) -> None:
    relay = reporters[0]
    for _ in range(FAILURES):
        relay.saw(accepted=100)
        relay.saw(failed=1)
        assert state() == (1, False)


def test_nor_are_they_when_every_relay_sees_some(reporters: list[Reporter]) -> None:
    for _ in range(FAILURES):
        for relay in reporters:
            relay.saw(accepted=100)
            relay.saw(failed=1)
            relay.beat()
    assert state() == (1, False)


def test_the_answers_of_a_relay_that_never_fails_count_once_it_knows_of_failures(reporters: list[Reporter]) -> None:
    failing, healthy, _ = reporters
    for _ in range(2 * FAILURES):
        failing.saw(failed=1)
        healthy.beat()
        healthy.saw(accepted=100)
        assert state() == (0, False)
        failing.beat()


def test_an_answer_from_before_failures_that_others_saw_does_not_end_their_row(reporters: list[Reporter]) -> None:
    failing, late, _ = reporters
    late.saw(accepted=100)
    failing.saw(failed=FAILURES - 1)
    late.beat()
    late.saw(failed=1)
    assert state() == (FAILURES, True)


def test_what_the_last_failure_was_is_on_record(reporters: list[Reporter]) -> None:
    reporters[0].saw(failed=1)
    assert ChannelState.objects.get(name="sms").last_error == "http_503"


def test_five_in_a_row_over_all_relays_are_an_outage(reporters: list[Reporter]) -> None:
    for relay in reporters:
        relay.saw(accepted=100)
        relay.beat()
    for number in range(FAILURES + len(reporters)):
        for relay in reporters:
            relay.beat()
        reporters[number % len(reporters)].saw(failed=1)
    assert state()[1]


def test_five_after_an_answer_in_one_report_are_an_outage(reporters: list[Reporter]) -> None:
    reporters[0].saw(accepted=1, failed=FAILURES)
    assert state() == (FAILURES, True)
    assert reporters[0].breaker.is_broken, "before the next heartbeat"


def test_an_answer_from_before_an_outage_does_not_end_it(reporters: list[Reporter]) -> None:
    failing, late, _ = reporters
    late.saw(accepted=100)
    failing.saw(failed=FAILURES)
    late.saw(failed=1)  # before it has heard of the outage
    assert state() == (FAILURES + 1, True)
    late.beat()
    late.saw(failed=1)
    assert state() == (FAILURES + 2, True)
    late.saw(accepted=1)
    assert state() == (0, False)


def test_while_nothing_fails_nothing_is_written(reporters: list[Reporter]) -> None:
    relay = reporters[0]
    relay.saw(accepted=1)
    relay.relay.connection.close()
    relay.saw(accepted=100)
    assert relay.breaker.record(Unknown("timeout")), "and the next failure counts"
