"""Decides what follows an outcome: the message is finished, or retried after a delay. Pure Python, no Django.

Exponential backoff with full jitter, after "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): the delay
is uniform between zero and the exponential bound, which spreads the retries of an outage best.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Status, Throttled, Transient, Unknown


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried, and how long it waits in between (seconds).

    `max_attempts` counts the sends that failed (throttling does not count); `max_deferrals` those that were answered
    with "later", of which no fewer are allowed. Neither uses up the other; `max_in_all`, if set, bounds their sum.
    `max_rescues` counts the relays that were lost while they held the message, so that one that kills its relay ends in
    the dead letter.
    """

    max_attempts: int
    backoff_seconds: float
    backoff_max_seconds: float
    max_rescues: int
    # For answers of "later". With the shortest delays, ten attempts take three hours; with the longest, over six.
    max_deferrals: int = 10
    deferral_seconds: float = 300
    deferral_max_seconds: float = 3600
    max_in_all: int | None = None


class Verdict(NamedTuple):
    """Where a message goes after an attempt, how many attempts it has used up, and after how many seconds it is due.

    `deferrals` are those of the attempts that were answered with "later".
    """

    status: Status
    attempts: int
    delay_seconds: float = 0.0
    deferrals: int = 0


def full_jitter(policy: RetryPolicy, *, failures: int, random: Callable[[], float]) -> float:
    """Seconds to wait after the `failures`-th failed attempt; `random` yields numbers in [0, 1)."""
    doublings = min(failures - 1, 62)  # beyond that every cap has long been reached, and floats would overflow
    return random() * min(policy.backoff_max_seconds, policy.backoff_seconds * 2.0**doublings)


def deferred(deferral: Deferral, policy: RetryPolicy, *, deferrals: int, random: Callable[[], float]) -> float:
    """Seconds to wait after the `deferrals`-th answer of "later": never less than the provider named."""
    bound = min(policy.deferral_max_seconds, policy.deferral_seconds * 2.0 ** min(deferrals - 1, 62))
    return max(deferral.retry_after or 0.0, bound * (1 + random()) / 2)


def judge(
    outcome: Outcome,
    *,
    attempts: int,
    deferrals: int,
    policy: RetryPolicy,
    random: Callable[[], float],
    charges: bool = True,
) -> Verdict:
    """The verdict on a message that had used up `attempts` attempts before this `outcome`, `deferrals` of them by
    answers of "later".

    `charges` is False for a failure that says nothing about the message: its provider is known to be out of service.
    """
    deferrals = min(deferrals, attempts)  # a replay by a release that knows no deferrals takes back the attempts alone
    match outcome:
        case Accepted():
            return Verdict(Status.SENT, attempts + 1, deferrals=deferrals)
        case Permanent():
            return Verdict(Status.FAILED, attempts + 1, deferrals=deferrals)
        case Throttled(retry_after=retry_after):
            return Verdict(Status.PENDING, attempts, retry_after, deferrals)
        case Transient() | Unknown() if not charges:
            stated = outcome.deferral.retry_after if outcome.deferral else None
            delay = max(stated or 0.0, full_jitter(policy, failures=1, random=random))
            return Verdict(Status.PENDING, attempts, delay, deferrals)
        case Transient(deferral=Deferral() as deferral):
            delay = deferred(deferral, policy, deferrals=deferrals + 1, random=random)
            is_last = deferrals + 1 >= max(policy.max_deferrals, policy.max_attempts)
            return _retried(Verdict(Status.PENDING, attempts + 1, delay, deferrals + 1), policy, is_last=is_last)
        case Transient() | Unknown():
            failures = attempts + 1 - deferrals
            delay = full_jitter(policy, failures=failures, random=random)
            is_last = failures >= policy.max_attempts
            return _retried(Verdict(Status.PENDING, attempts + 1, delay, deferrals), policy, is_last=is_last)
        case _:
            assert_never(outcome)


def _retried(retry: Verdict, policy: RetryPolicy, *, is_last: bool) -> Verdict:
    """The verdict `retry`, or failure, where its attempt was the last one of its sort or of all."""
    if is_last or (policy.max_in_all is not None and retry.attempts >= policy.max_in_all):
        return retry._replace(status=Status.FAILED, delay_seconds=0.0)
    return retry
