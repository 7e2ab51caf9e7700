"""Notices that a channel's provider is out of service, so that its outage uses up no more attempts than it took to
notice (G10). One per channel and relay; what the relays agree on is in the database, and `gate` brings it here.
"""

import threading
from dataclasses import dataclass

from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled

FAILURES = 5  # in a row, without an answer in between: the provider is out of service
ANSWERS = (Accepted, Permanent, Throttled)
NEVER_ASKED = frozenset({"no_address", "rendering_failed", "bad_header", "bad_address", "internal_error"})


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What was seen of a provider since the last report."""

    failures: int = 0
    has_answered: bool = False


class Breaker:
    """Fed by the sending threads, read by the relay's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._news = ProviderReport()
        self.is_broken = False

    def charges(self, outcome: Outcome) -> bool:
        """Take `outcome` into account; whether it counts against its message's attempts.

        A failure does not once the outage is known: it says nothing about the message.
        """
        if outcome.code in NEVER_ASKED:
            return True
        if isinstance(outcome, Accepted) and self._news.has_answered and not self._in_a_row:
            return True  # as after most messages: nothing new, and no lock needed to see that
        with self._lock:
            if isinstance(outcome, ANSWERS):
                self._in_a_row = 0
                if not self._news.has_answered:
                    self._news = ProviderReport(self._news.failures, has_answered=True)
                return True
            self._in_a_row += 1
            self._news = ProviderReport(self._news.failures + 1, self._news.has_answered)
            return not self.is_broken and self._in_a_row <= FAILURES

    def take_news(self) -> ProviderReport:
        """What was seen since the last call."""
        if not (self._news.failures or self._news.has_answered):
            return self._news
        with self._lock:
            news, self._news = self._news, ProviderReport()
        return news

    def learn(self, *, is_broken: bool) -> None:
        """What the relays agree on."""
        with self._lock:
            if self.is_broken and not is_broken:
                self._in_a_row = 0
            self.is_broken = is_broken
