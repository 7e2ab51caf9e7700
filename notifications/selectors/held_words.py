"""Which kinds are held because their words cannot be made, for the board, `outbox_status` and the alerts."""

from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models.functions import Now

from notifications.lifecycle import Status
from notifications.models import OutboxMessage, WordsState
from notifications.policy.causes import Cause, cause_of
from notifications.protocol.sql_words import HELD_WORDS


@dataclass(frozen=True, slots=True)
class HeldWords:
    """The words of a kind on a channel, since when they cannot be made, by relays of which release, and why not."""

    kind: str
    channel: str
    since: datetime
    release: str
    problem: str

    @property
    def cause(self) -> Cause:
        return cause_of(HELD_WORDS)

    def count(self, using: str) -> int:
        """How many messages wait for these words, those behind them in their lanes not counted."""
        waiting = OutboxMessage.objects.using(using).filter(status=Status.PENDING, error_code=HELD_WORDS)
        return waiting.filter(kind=self.kind, channel=self.channel).count()

    def said(self, since: str) -> str:
        """What is wrong, with `since` as its reader likes moments."""
        by = f" by relays of release {self.release}" if self.release else ""
        return f"{self.kind} by {self.channel} is held{by} since {since}: its words cannot be made. {self.problem}."


def held_words(using: str = DEFAULT_DB_ALIAS) -> list[HeldWords]:
    """The oldest hold first. A hold that no relay has met for ten minutes is over: nothing waits for it any more."""
    rows = WordsState.objects.using(using).filter(held_until__gt=Now()).order_by("held_at", "pk")
    return [HeldWords(row.kind, row.channel, row.held_at, row.held_release, row.problem) for row in rows if row.held_at]
