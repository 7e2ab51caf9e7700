"""What one relay reports of a provider: failures in a row, and the answers between them."""

from notifications.lifecycle import Accepted, Permanent, Transient
from notifications.relay.breaker import FAILURES, Breaker, ProviderReport


def test_an_answer_is_kept_until_it_is_reported() -> None:
    breaker = Breaker()
    breaker.record(Accepted("yes"))
    assert breaker.report == ProviderReport(has_answered=True)
    breaker.record(Transient("http_503"))
    assert breaker.take_report() == ProviderReport(failures=1, has_answered=True, code="http_503")
    assert breaker.report == ProviderReport()


def test_an_answer_ends_the_failures_before_it() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.record(Transient("http_503"))
    breaker.record(Permanent("twilio_21211"))
    breaker.record(Transient("http_503"))
    assert breaker.take_report() == ProviderReport(failures=1, has_answered=True, code="http_503")


def test_failures_that_others_report_are_younger_than_the_answers_before_they_were_known() -> None:
    breaker = Breaker()
    breaker.record(Accepted("yes"))
    breaker.learn(is_broken=False, failures=0)
    assert breaker.report == ProviderReport(has_answered=True), "there are none"
    breaker.learn(is_broken=False, failures=1)
    assert breaker.report == ProviderReport()
    breaker.record(Accepted("yes"))
    breaker.learn(is_broken=False, failures=1)
    assert breaker.report == ProviderReport(has_answered=True), "it followed them"


def test_what_says_nothing_about_the_provider_is_not_reported() -> None:
    breaker = Breaker()
    for code in ("no_address", "rendering_failed", "internal_error", "bad_outcome"):
        assert breaker.record(Permanent(code))
    assert breaker.report == ProviderReport()


def test_the_failures_that_find_an_outage_use_up_attempts_and_no_others_do() -> None:
    breaker = Breaker()
    failed = Transient("http_503")
    assert [breaker.record(failed) for _ in range(FAILURES + 1)] == [True] * FAILURES + [False]
    breaker.learn(is_broken=True, failures=FAILURES + 1)
    assert not breaker.record(failed)
    breaker.learn(is_broken=False, failures=0)
    assert [breaker.record(failed) for _ in range(FAILURES + 1)] == [True] * FAILURES + [False], "a new row"


def test_a_heartbeat_without_an_outage_begins_no_new_row() -> None:
    breaker = Breaker()
    failed = Transient("http_503")
    for _ in range(FAILURES):
        breaker.record(failed)
    breaker.learn(is_broken=False, failures=0)
    assert not breaker.record(failed)


def test_the_answer_that_ends_an_outage_outlives_the_heartbeat_before_its_report() -> None:
    breaker = Breaker()
    breaker.learn(is_broken=True, failures=FAILURES)
    breaker.record(Accepted("yes"))
    breaker.learn(is_broken=True, failures=FAILURES)
    assert breaker.report == ProviderReport(has_answered=True)


def test_an_answer_begins_a_new_row_of_failures() -> None:
    breaker = Breaker()
    failed = Transient("http_503")
    for _ in range(FAILURES):
        breaker.record(failed)
    breaker.record(Accepted("yes"))
    assert [breaker.record(failed) for _ in range(FAILURES + 1)] == [True] * FAILURES + [False]


def test_an_outage_that_others_found_costs_no_attempt_from_the_first_failure_on() -> None:
    breaker = Breaker()
    breaker.learn(is_broken=True, failures=FAILURES)
    assert not breaker.record(Transient("http_503"))


def test_an_outage_is_five_failures() -> None:
    """As docs/guarantees.md says."""
    assert FAILURES == 5
