"""What follows an outcome, in numbers."""

from dataclasses import replace

import pytest

from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Status, Throttled, Transient, Unknown
from notifications.policy.retry import RetryPolicy, Verdict, full_jitter, judge

POLICY = RetryPolicy(max_attempts=3, backoff_seconds=10, backoff_max_seconds=60, max_rescues=5)


def almost_one() -> float:
    return 1.0 - 2**-53


@pytest.mark.parametrize(
    ("outcome", "attempts", "verdict"),
    [
        (Accepted("id"), 0, Verdict(Status.SENT, 1)),
        (Accepted("id"), 2, Verdict(Status.SENT, 3)),
        (Permanent("no"), 0, Verdict(Status.FAILED, 1)),
        (Throttled("slow", retry_after=7), 2, Verdict(Status.PENDING, 2, 7)),
        (Transient("away"), 0, Verdict(Status.PENDING, 1, 5)),
        (Transient("away"), 1, Verdict(Status.PENDING, 2, 10)),
        (Unknown("timeout"), 1, Verdict(Status.PENDING, 2, 10)),
        (Transient("away"), 2, Verdict(Status.FAILED, 3)),
        (Unknown("timeout"), 2, Verdict(Status.FAILED, 3)),
    ],
)
def test_verdicts(outcome: Outcome, attempts: int, verdict: Verdict) -> None:
    assert judged(outcome, attempts) == verdict


def judged(
    outcome: Outcome,
    attempts: int,
    deferrals: int = 0,
    *,
    policy: RetryPolicy = POLICY,
    chance: float = 0.5,
    charges: bool = True,
) -> Verdict:
    return judge(outcome, attempts=attempts, deferrals=deferrals, policy=policy, random=lambda: chance, charges=charges)


def test_an_answer_of_later_is_followed_for_hours() -> None:
    """RFC 5321, 4.5.4.1: a message is dead only after hours; the shortest delays that chance can choose."""
    waited, attempts = 0.0, 0
    while (verdict := later(None, attempts)).status is Status.PENDING:
        waited, attempts = waited + verdict.delay_seconds, verdict.attempts
    assert verdict.status is Status.FAILED
    assert waited >= 3 * 3600


@pytest.mark.parametrize("stated", [60.0, 300.0, 7200.0])
def test_no_attempt_is_made_before_the_time_that_the_answer_named(stated: float) -> None:
    assert later(stated, 0).delay_seconds == max(stated, 150)
    assert all(later(stated, attempts).delay_seconds >= stated for attempts in range(9))


def test_a_stated_time_counts_during_an_outage_too() -> None:
    assert later(900.0, 0, charges=False) == Verdict(Status.PENDING, 0, 900.0)


def later(stated: float | None, attempts: int, *, charges: bool = True) -> Verdict:
    outcome = Transient("smtp_451", deferral=Deferral(stated))
    return judged(outcome, attempts, attempts, chance=0.0, charges=charges)


@pytest.mark.parametrize(("attempts", "bound"), [(1, 10), (2, 20), (3, 40), (4, 60), (50, 60), (5000, 60)])
def test_the_delay_lies_between_nothing_and_a_bound_that_doubles_up_to_the_cap(attempts: int, bound: float) -> None:
    assert full_jitter(POLICY, failures=attempts, random=lambda: 0.0) == 0
    assert full_jitter(POLICY, failures=attempts, random=almost_one) == pytest.approx(bound)


@pytest.mark.parametrize("outcome", [Transient("away"), Unknown("timeout"), Transient("later", deferral=Deferral())])
def test_during_an_outage_a_failure_costs_no_attempt_and_waits_as_after_the_first(outcome: Outcome) -> None:
    verdict = judged(outcome, 2, charges=False)
    assert verdict == Verdict(Status.PENDING, 2, 5)


def test_answers_of_later_are_an_hour_apart_at_most() -> None:
    outcome = Transient("smtp_451", deferral=Deferral())
    waits = [judged(outcome, attempts, attempts, chance=1.0).delay_seconds for attempts in range(9)]
    assert waits == [300, 600, 1200, 2400, *[3600] * 5]


def test_an_answer_of_later_leaves_no_fewer_attempts_than_any_other() -> None:
    policy = replace(POLICY, max_attempts=12, max_deferrals=4)
    outcomes = [Transient("smtp_451", deferral=Deferral()), Transient("away")]
    ends = [judged(each, 10, policy=policy).status for each in outcomes]
    assert ends == [Status.PENDING, Status.PENDING]


def test_answers_of_later_can_go_on_for_thousands_of_attempts() -> None:
    policy = replace(POLICY, max_deferrals=6000)
    outcome = Transient("smtp_451", deferral=Deferral())
    verdict = judged(outcome, 5000, 5000, policy=policy, chance=1.0)
    assert verdict == Verdict(Status.PENDING, 5001, 3600, 5001)


def test_during_an_outage_chance_may_choose_no_wait_at_all() -> None:
    verdict = judged(Transient("away"), 2, chance=0.0, charges=False)
    assert verdict == Verdict(Status.PENDING, 2, 0)


def test_failures_wait_as_if_no_answer_of_later_had_come_before_them() -> None:
    assert judged(Transient("away"), 8, 7) == Verdict(Status.PENDING, 9, 10, 7)


def test_no_answer_changes_the_count_of_deferrals_but_later() -> None:
    outcomes = [Accepted("id"), Permanent("no"), Throttled("slow", 7), Transient("away"), Unknown("timeout")]
    assert [judged(each, 6, 5).deferrals for each in outcomes] == [5] * 5
    assert judged(Transient("later", deferral=Deferral()), 6, 5, charges=False).deferrals == 5
