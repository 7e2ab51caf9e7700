"""Counts what a relay has settled. Its heartbeat writes the counts down, so history costs no statement of its own.

Used by the relay's thread alone. What a killed relay had not written is counted from its attempts: `sql_tally`.
"""

import json
from bisect import bisect_left
from dataclasses import asdict, dataclass, field

from notifications.lifecycle import Status
from notifications.protocol import sql_tally as sql
from notifications.protocol.histogram import BOUNDS, SIZE
from notifications.relay.connection import Connection
from notifications.relay.messages import Settlement

SAMPLE_SECONDS = 10.0  # how often a relay looks whether this minute's sample is taken
DAYS = 8  # for which minutes are kept


@dataclass(slots=True)
class Counts:
    """One channel's counts. `delays`: from publication to acceptance; `durations`: of single attempts. In seconds."""

    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*sql.STATUSES, *sql.ANSWERS), 0))
    delay_seconds: float = 0.0
    duration_seconds: float = 0.0
    delays: list[int] = field(default_factory=lambda: [0] * SIZE)
    durations: list[int] = field(default_factory=lambda: [0] * SIZE)


class Tally:
    """What one relay has settled since its last heartbeat, by channel."""

    def __init__(self) -> None:
        self._channels: dict[str, Counts] = {}

    def add(self, settlement: Settlement, *, age: float) -> None:
        """Count a settlement that was written; `age`: seconds from the message's publication to the send's end."""
        counts = self._channels.get(settlement.message.channel)
        if counts is None:
            counts = self._channels[settlement.message.channel] = Counts()
        status, outcome = settlement.status, settlement.outcome
        if status.is_terminal:
            counts.numbers[status] += 1
        if outcome is None:
            return
        counts.numbers[outcome.answer] += 1
        duration = settlement.ended - settlement.began
        counts.durations[bisect_left(BOUNDS, duration)] += 1
        counts.duration_seconds += duration
        if status is Status.SENT:
            counts.delays[bisect_left(BOUNDS, age)] += 1
            counts.delay_seconds += age

    def as_json(self) -> str:
        """The counts, as the heartbeat's statement takes them."""
        rows = ({"channel": channel, **asdict(counts)} for channel, counts in self._channels.items())
        return json.dumps([row | row.pop("numbers") for row in rows])

    def clear(self) -> None:
        """Start again at zero: what was counted is written, or will be counted from the attempts."""
        self._channels.clear()


def recount(connection: Connection, *, relay_id: int) -> None:
    """Count from its attempts what the relay wrote and may not have counted, because its connection broke."""
    connection.execute(sql.RECOUNT, {"relay": relay_id})


def keep_history(connection: Connection) -> None:
    """Sample how much waits, once a minute over all relays, and merge the rows of minutes that are over."""
    if connection.execute(sql.SAMPLE).fetchall():
        connection.execute(sql.FOLD, {"days": DAYS})
        connection.execute(sql.FORGET_DEPTHS, {"days": DAYS})
