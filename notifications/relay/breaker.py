"""Detects that a channel's provider is out of service, so that an outage uses up only the attempts that detected it
(G10). There is one breaker per channel and relay. What all relays agree on is in the database; `gate` brings it here.
"""

import threading
from dataclasses import dataclass

from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient

FAILURES = 5  # in a row, without an answer in between: the provider is out of service
ANSWERS = (Accepted, Permanent, Throttled)
NEVER_ASKED = frozenset({"no_address", "rendering_failed", "bad_header", "bad_address", "internal_error"})


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What a relay saw of a provider since its last report."""

    failures: int = 0
    has_answered: bool = False


class Breaker:
    """Fed by the sending threads, read by the relay's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._report = ProviderReport()
        self.is_broken = False

    def record(self, outcome: Outcome) -> bool:
        """Take `outcome` into account; returns whether it uses up one of its message's attempts.

        Once an outage is known, a failure does not: it says nothing about the message.
        """
        if outcome.code in NEVER_ASKED:
            return True
        if isinstance(outcome, Accepted) and self._report.has_answered and not self._in_a_row:
            return True  # as after most messages: nothing changes, so no lock is taken
        with self._lock:
            if isinstance(outcome, ANSWERS) or _is_about_message(outcome):
                self._in_a_row = 0
                if not self._report.has_answered:
                    self._report = ProviderReport(self._report.failures, has_answered=True)
                return True
            self._in_a_row += 1
            self._report = ProviderReport(self._report.failures + 1, self._report.has_answered)
            return not self.is_broken and self._in_a_row <= FAILURES

    def take_report(self) -> ProviderReport:
        """Return what was seen since the last call, and begin anew."""
        if not (self._report.failures or self._report.has_answered):
            return self._report
        with self._lock:
            report, self._report = self._report, ProviderReport()
        return report

    def learn(self, *, is_broken: bool) -> None:
        """Take over what the relays agree on."""
        with self._lock:
            if self.is_broken and not is_broken:
                self._in_a_row = 0
            self.is_broken = is_broken


def _is_about_message(outcome: Outcome) -> bool:
    """Whether the provider works, and has put off this one message: five greylisted recipients are no outage."""
    return isinstance(outcome, Transient) and outcome.deferral is not None and outcome.deferral.is_about_message
