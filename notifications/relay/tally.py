"""Counts what a relay has settled, for the heartbeat to write down: history that costs the database next to nothing.

Touched by the relay's own thread alone. What is lost with a killed relay is counted from its attempts: `sql_tally`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from notifications.histogram import SIZE, bucket_of
from notifications.lifecycle import TERMINAL, Status
from notifications.relay import sql_tally as sql
from notifications.relay.connection import Connection
from notifications.relay.parcels import Settlement

SAMPLE_SECONDS = 10.0  # how often a relay looks whether this minute's sample is taken
DAYS = 8  # for which minutes are kept

ENDED: Mapping[Status, str] = {status: status.value for status in TERMINAL}


@dataclass(slots=True)
class Counts:
    """Of one channel. `delays` are from publication to acceptance, `durations` of single attempts, both in seconds."""

    sent: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    replayed: int = 0
    accepted: int = 0
    transient: int = 0
    permanent: int = 0
    throttled: int = 0
    unknown: int = 0
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
        counts = self._channels.setdefault(settlement.message.channel, Counts())
        if ended := ENDED.get(settlement.status):
            setattr(counts, ended, getattr(counts, ended) + 1)
        if settlement.outcome is None:
            return
        answer = settlement.outcome.answer.value
        setattr(counts, answer, getattr(counts, answer) + 1)
        duration = settlement.ended - settlement.began
        counts.durations[bucket_of(duration)] += 1
        counts.duration_seconds += duration
        if settlement.status is Status.SENT:
            counts.delays[bucket_of(age)] += 1
            counts.delay_seconds += age

    def parcel(self) -> str:
        """What was counted, as the heartbeat takes it."""
        return json.dumps([{"channel": channel, **asdict(counts)} for channel, counts in self._channels.items()])

    def clear(self) -> None:
        """Begin anew: what was counted is written, or will be counted from the attempts."""
        self._channels.clear()


def recount(connection: Connection, *, relay_id: int) -> None:
    """Count what the relay has written and, for all it knows, not counted: its connection broke."""
    connection.execute(sql.RECOUNT, {"relay": relay_id})


def keep_history(connection: Connection) -> None:
    """Sample how much waits, once a minute over all relays, and fold together the minutes that are over."""
    if connection.execute(sql.SAMPLE).fetchall():
        connection.execute(sql.FOLD, {"days": DAYS})
        connection.execute(sql.FORGET_DEPTHS, {"days": DAYS})
