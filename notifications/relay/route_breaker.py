"""Detects that one of several routes is out of service: sooner than of a channel's only one, as another can take over.

Besides failures in a row, half of the last twenty calls count, and answers that took too long. The rules are those of
the circuit breaker in Resilience4j (failureRateThreshold, slowCallDurationThreshold):
https://resilience4j.readme.io/docs/circuitbreaker
"""

from collections import deque

from notifications.lifecycle import Outcome, Transient, Unknown
from notifications.relay.breaker import FAILURES, NOT_THE_PROVIDER, Breaker, ProviderReport, is_about_message

WINDOW, MOST_FAILED = 20, 10  # calls that are looked at, and failures among them that open the breaker
SLOW = "slow"  # the code of an answer that took too long


class RouteBreaker(Breaker):
    """A breaker that also opens at half of the calls, and at calls that take `slow` seconds or more."""

    def __init__(self, *, slow: float) -> None:
        super().__init__()
        self._slow = slow
        self._failed: deque[bool] = deque(maxlen=WINDOW)
        self._tripped = ""  # the code of the failure that opened it, until it is reported

    def record(self, outcome: Outcome, *, seconds: float = 0.0) -> bool:
        if outcome.code in NOT_THE_PROVIDER:
            return True
        is_slow = seconds >= self._slow
        is_bad = is_slow or (isinstance(outcome, Transient | Unknown) and not is_about_message(outcome))
        with self._lock:
            self._failed.append(is_bad)
            if is_bad and not self.is_broken and sum(self._failed) >= MOST_FAILED:
                self._tripped = SLOW if is_slow else outcome.code
                self._failed.clear()
        if is_slow and not isinstance(outcome, Transient | Unknown):
            super().record(Transient(SLOW))
            return True  # an answer is an answer: what it says of the message stands
        return super().record(outcome)

    def has_news(self, *, is_failing: bool) -> bool:
        return bool(self._tripped) or super().has_news(is_failing=is_failing)

    def take_report(self) -> ProviderReport:
        report = super().take_report()
        with self._lock:
            tripped, self._tripped = self._tripped, ""
        return ProviderReport(FAILURES, has_answered=False, code=tripped) if tripped else report
