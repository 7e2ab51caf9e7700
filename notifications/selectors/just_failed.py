"""What failed lately, and which dead letters nobody has looked at, for the board, the alerts and `outbox_status`.

Both look at the latest dead letters by ID, through the index of the failed messages.
"""

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from notifications.models.audit import Verb
from notifications.policy.causes import Cause, cause_of, reason
from notifications.protocol.run_sql import fetch_all

MOST_FAILURES = 500  # the latest ones
MINUTES = 15

JUST_FAILED = """
SELECT channel, error_code, count(*), array_agg(DISTINCT kind) FROM (
    SELECT channel, error_code, kind, finished_at FROM notifications_outboxmessage
    WHERE status = 'failed' ORDER BY id DESC LIMIT %(most)s
) AS latest
WHERE finished_at > now() - make_interval(mins => %(minutes)s)
GROUP BY channel, error_code ORDER BY count(*) DESC, channel, error_code LIMIT 20
"""

UNSEEN = """
SELECT count(*) FROM (
    SELECT finished_at FROM notifications_outboxmessage WHERE status = 'failed' ORDER BY id DESC LIMIT %(most)s
) AS latest
WHERE finished_at > coalesce(
    (SELECT acted_at FROM notifications_operatoraction WHERE action = %(seen)s ORDER BY id DESC LIMIT 1), '-infinity')
"""


@dataclass(frozen=True, slots=True)
class JustFailed:
    """Messages of one channel that failed within MINUTES for the same reason, and their kinds."""

    channel: str
    error_code: str
    count: int
    kinds: list[str]

    @property
    def cause(self) -> Cause:
        return cause_of(self.error_code)

    def __str__(self) -> str:
        """What happened, and why, as one clause."""
        messages = "1 message" if self.count == 1 else f"{self.count} messages"
        kinds = ", ".join(self.kinds) if len(self.kinds) <= 2 else f"{len(self.kinds)} kinds"
        return f"{messages} by {self.channel} ({kinds}) failed in the last {MINUTES} minutes: {reason(self.error_code)}"


def just_failed(using: str = DEFAULT_DB_ALIAS) -> list[JustFailed]:
    """What failed lately, the most first."""
    return [
        JustFailed(*row) for row in fetch_all(JUST_FAILED, {"most": MOST_FAILURES, "minutes": MINUTES}, using=using)
    ]


def unseen_dead_letters(using: str = DEFAULT_DB_ALIAS) -> int:
    """How many of the latest dead letters failed after somebody last looked at them (`operations/look_at.py`)."""
    ((number,),) = fetch_all(UNSEEN, {"most": MOST_FAILURES, "seen": Verb.LOOK_AT.value}, using=using)
    return int(number)
