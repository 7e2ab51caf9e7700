"""Detects that a channel's provider is out of service, so that an outage uses up only the attempts that detected it
(G10). There is one breaker per channel and relay. What all relays agree on is in the database; `gate` brings it here.
"""

import threading
from dataclasses import dataclass, replace

from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient

FAILURES = 5  # in a row, without an answer in between: the provider is out of service
ANSWERS = (Accepted, Permanent, Throttled)
INTERNAL_ERROR, BAD_OUTCOME = "internal_error", "bad_outcome"  # codes: a channel raised, or returned no outcome
# Codes that say nothing about the provider: it was not asked, or the fault is ours.
NOT_THE_PROVIDER = frozenset(
    {"no_address", "rendering_failed", "bad_header", "bad_address", INTERNAL_ERROR, BAD_OUTCOME}
)


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What a relay saw of a provider since its last report: whether it answered, the failures since then, and the code
    of the last one.

    An answer is kept until it is reported, or until other relays' failures are known to have followed it. It shows that
    later failures are not in a row with those reported before.
    """

    failures: int = 0
    has_answered: bool = False
    code: str = ""


ANSWERED = ProviderReport(has_answered=True)


class Breaker:
    """Fed by the sending threads, read by the relay's thread. `report` is what was seen since the last report."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._reported_failures = 0  # in a row, by all relays
        self.report = ProviderReport()
        self.is_broken = False

    def record(self, outcome: Outcome, *, seconds: float = 0.0) -> bool:
        """Take `outcome` into account, of a send that took `seconds`; whether it uses up one of its message's attempts.

        Once an outage is known, a failure does not: it says nothing about the message.
        """
        if outcome.code in NOT_THE_PROVIDER:
            return True
        if self.report is ANSWERED and not self._in_a_row and isinstance(outcome, Accepted):
            return True  # as after most messages: nothing changes, so no lock is taken
        with self._lock:
            if isinstance(outcome, ANSWERS) or is_about_message(outcome):
                self._in_a_row = 0
                self.report = ANSWERED
                return True
            self._in_a_row += 1
            self.report = ProviderReport(self.report.failures + 1, self.report.has_answered, outcome.code)
            return not self.is_broken and self._in_a_row <= FAILURES

    def has_news(self, *, is_failing: bool) -> bool:
        """Whether a report would change anything; `is_failing`: failures are counted, by whichever relay."""
        return bool(self.report.failures) or (self.report.has_answered and is_failing)

    def take_report(self) -> ProviderReport:
        """Return what was seen since the last call, and begin anew."""
        with self._lock:
            report, self.report = self.report, ProviderReport()
        return report

    def learn(self, *, is_broken: bool, failures: int) -> None:
        """Take over what the relays agree on; `failures`: in a row, by all of them.

        An answer that this relay saw before it learnt of new failures may be older than they are, and ends nothing.
        """
        with self._lock:
            if self.is_broken and not is_broken:
                self._in_a_row = 0
            if failures > self._reported_failures or (is_broken and not self.is_broken):
                self.report = replace(self.report, has_answered=False)
            self.is_broken, self._reported_failures = is_broken, failures


def is_about_message(outcome: Outcome) -> bool:
    """Whether the provider works, and has put off this one message: five greylisted recipients are no outage."""
    return isinstance(outcome, Transient) and outcome.deferral is not None and outcome.deferral.is_about_message
