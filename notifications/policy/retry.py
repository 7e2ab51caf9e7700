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

    `max_attempts` counts the sends that used the budget up (throttling does not); `max_rescues` counts the relays that
    were lost while they held the message, so that one that kills its relay ends in the dead letter. `max_deferrals`
    takes the place of `max_attempts` after an answer of "later".
    """

    max_attempts: int
    backoff_seconds: float
    backoff_max_seconds: float
    max_rescues: int
    # For answers of "later". With the shortest delays, ten attempts take three hours; with the longest, over six.
    max_deferrals: int = 10
    deferral_seconds: float = 300
    deferral_max_seconds: float = 3600


class Verdict(NamedTuple):
    """Where a message goes after an attempt, how many attempts it has used up, and after how many seconds it is due."""

    status: Status
    attempts: int
    delay_seconds: float = 0.0


def full_jitter(policy: RetryPolicy, *, attempts: int, random: Callable[[], float]) -> float:
    """Seconds to wait after the `attempts`-th failed attempt; `random` yields numbers in [0, 1)."""
    doublings = min(attempts - 1, 62)  # beyond that every cap has long been reached, and floats would overflow
    return random() * min(policy.backoff_max_seconds, policy.backoff_seconds * 2.0**doublings)


def deferred(deferral: Deferral, policy: RetryPolicy, *, attempts: int, random: Callable[[], float]) -> float:
    """Seconds to wait after the `attempts`-th answer of "later": never less than the provider named."""
    bound = min(policy.deferral_max_seconds, policy.deferral_seconds * 2.0 ** min(attempts - 1, 62))
    return max(deferral.retry_after or 0.0, bound * (1 + random()) / 2)


def judge(
    outcome: Outcome, *, attempts: int, policy: RetryPolicy, random: Callable[[], float], charges: bool = True
) -> Verdict:
    """The verdict on a message that had used up `attempts` attempts before this `outcome`.

    `charges` is False for a failure that says nothing about the message: its provider is known to be out of service.
    """
    match outcome:
        case Accepted():
            return Verdict(Status.SENT, attempts + 1)
        case Permanent():
            return Verdict(Status.FAILED, attempts + 1)
        case Throttled(retry_after=retry_after):
            return Verdict(Status.PENDING, attempts, retry_after)
        case Transient() | Unknown() if not charges:
            stated = outcome.deferral.retry_after if outcome.deferral else None
            return Verdict(Status.PENDING, attempts, max(stated or 0.0, full_jitter(policy, attempts=1, random=random)))
        case Transient() | Unknown():
            return _retried(outcome.deferral, attempts=attempts + 1, policy=policy, random=random)
        case _:
            assert_never(outcome)


def _retried(deferral: Deferral | None, *, attempts: int, policy: RetryPolicy, random: Callable[[], float]) -> Verdict:
    """The verdict on a message after its `attempts`-th attempt, which failed and may be repeated."""
    most = max(policy.max_deferrals, policy.max_attempts) if deferral else policy.max_attempts
    if attempts >= most:
        return Verdict(Status.FAILED, attempts)
    if deferral:
        return Verdict(Status.PENDING, attempts, deferred(deferral, policy, attempts=attempts, random=random))
    return Verdict(Status.PENDING, attempts, full_jitter(policy, attempts=attempts, random=random))
