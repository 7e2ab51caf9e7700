"""The breaker of one route among several."""

from notifications.lifecycle import Accepted, Deferral, Transient, Unknown
from notifications.relay.breaker import FAILURES
from notifications.relay.route_breaker import MOST_FAILED, RouteBreaker

YES, LOST = Accepted("yes"), Unknown("http_500")


def test_it_opens_when_half_of_the_calls_fail_and_its_report_survives_an_answer() -> None:
    breaker = RouteBreaker(slow=5.0)
    for _ in range(MOST_FAILED - 1):
        breaker.record(LOST)
        breaker.record(YES)
    assert breaker.take_report().failures < FAILURES
    breaker.record(LOST)
    breaker.record(YES)
    assert breaker.has_news(is_failing=False)
    report = breaker.take_report()
    assert (report.failures, report.has_answered, report.code) == (FAILURES, False, "http_500")
    assert not breaker.has_news(is_failing=False)


def test_answers_that_take_too_long_count_and_still_use_up_an_attempt() -> None:
    breaker = RouteBreaker(slow=5.0)
    assert all(breaker.record(YES, seconds=5.0) for _ in range(FAILURES))
    report = breaker.take_report()
    assert (report.failures, report.code) == (FAILURES, "slow")
    assert not breaker.has_news(is_failing=True), "a slow answer ends no outage"


def test_what_a_provider_puts_off_for_one_message_is_no_failure() -> None:
    breaker = RouteBreaker(slow=5.0)
    for _ in range(2 * MOST_FAILED):
        breaker.record(Transient("smtp_450", deferral=Deferral()))
        breaker.record(Unknown("internal_error"))
    assert not breaker.take_report().failures
