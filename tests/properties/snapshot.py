"""The outbox's rows as one reader sees them at one moment: judged by the invariants, and compared with the model."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection


class Row(NamedTuple):
    """A message. `is_due` speaks of heads alone; `is_doubtful`: an earlier attempt may have been accepted."""

    id: int
    recipient: int
    lane: str
    channel: str
    status: str
    claim_number: int
    attempts: int
    deferrals: int
    rescues: int
    relay: int | None
    error_code: str
    is_due: bool
    is_doubtful: bool
    route: str = ""
    tried: str = ""

    @property
    def is_terminal(self) -> bool:
        return self.status in ("sent", "failed", "cancelled", "expired")


class Attempt(NamedTuple):
    message: int
    claim_number: int
    relay: int
    answer: str
    code: str
    route: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`replays`: how often each message was replayed, by the record of what staff did; `relays`: those known."""

    messages: dict[int, Row]
    attempts: list[Attempt]
    replays: Counter[int]
    relays: set[int]

    def with_status(self, status: str) -> set[int]:
        return {row.id for row in self.messages.values() if row.status == status}


MESSAGES = """
SELECT id, recipient_id, lane, channel, status, claim_number, attempts, deferrals, rescues, relay_id, error_code,
    status = 'pending' AND next_attempt_at <= clock_timestamp(), unknown_since IS NOT NULL, route, routes_tried
FROM notifications_outboxmessage ORDER BY id
"""
ATTEMPTS = """
SELECT message_id, claim_number, relay_id, answer, code, route
FROM notifications_deliveryattempt ORDER BY message_id, claim_number
"""
REPLAYS = "SELECT message_id, count(*) FROM notifications_operatoraction WHERE action = 'replay' GROUP BY message_id"
RELAYS = "SELECT id FROM notifications_relay"


def take() -> Snapshot:
    """Read what is committed."""
    with connection.cursor() as cursor:

        def rows(statement: str) -> list[tuple]:
            cursor.execute(statement)
            return cursor.fetchall()

        return Snapshot(
            {row[0]: Row(*row) for row in rows(MESSAGES)},
            [Attempt(*row) for row in rows(ATTEMPTS)],
            Counter(dict(rows(REPLAYS))),
            {row[0] for row in rows(RELAYS)},
        )
