"""Decides what follows an outcome: the message is finished, or retried after a delay. Pure Python, no Django.

Exponential backoff with full jitter, after "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): the delay
is uniform between zero and the exponential bound, which spreads the retries of an outage best.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Throttled, Transient, Unknown


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried, and how long it waits in between (seconds).

    `max_attempts` counts the sends that used the budget up (throttling does not); `max_rescues` counts the relays that
    were lost while they held the message, so that one that kills its relay ends in the dead letter.
    """

    max_attempts: int
    backoff_seconds: float
    backoff_max_seconds: float
    max_rescues: int


class Verdict(NamedTuple):
    """Where a message goes after an attempt, how many attempts it has used up, and after how many seconds it is due."""

    status: Status
    attempts: int
    delay_seconds: float = 0.0


def full_jitter(policy: RetryPolicy, *, attempts: int, random: Callable[[], float]) -> float:
    """Seconds to wait after the `attempts`-th failed attempt; `random` yields numbers in [0, 1)."""
    doublings = min(attempts - 1, 62)  # beyond that every cap has long been reached, and floats would overflow
    return random() * min(policy.backoff_max_seconds, policy.backoff_seconds * 2.0**doublings)


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
            return Verdict(Status.PENDING, attempts, full_jitter(policy, attempts=1, random=random))
        case Transient() | Unknown():
            if attempts + 1 >= policy.max_attempts:
                return Verdict(Status.FAILED, attempts + 1)
            delay = full_jitter(policy, attempts=attempts + 1, random=random)
            return Verdict(Status.PENDING, attempts + 1, delay)
        case _:
            assert_never(outcome)
