"""Claims due messages, oldest first, for as many as can be begun soon (G4, G7, G8).

A claim starts where the last one ended. While an old snapshot is open anywhere in the database, the dead index entries
in front cannot be cleaned up, and a claim from the beginning would scan all of them each time. The claimer goes back to
the beginning every second, and whenever a claim brings fewer messages than it could take: a retry or a slow commit may
stand before the position.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, LiteralString

from psycopg import Cursor

from notifications.protocol import sql_messages as sql
from notifications.relay.connection import Connection, fetch_row
from notifications.relay.messages import Claimed, Clock, asked_for, claimed_by_name
from notifications.telemetry import emit

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
REWIND_SECONDS = 1.0


class Claimer:
    """Claims for one relay, and remembers per channel how far it has read."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._positions: dict[str, datetime] = {}
        self._rewound_at = clock()

    def claim(
        self,
        connection: Connection,
        *,
        relay_id: int,
        limits: Mapping[str, int],
        meanwhile: Callable[[], None] | None = None,
    ) -> list[Claimed]:
        """Claim up to `limits[channel]` due messages of each channel. They are `sending` under `relay_id` on return.

        `meanwhile` runs while the database searches, in a pipeline.
        """
        self._rewind_if_due()
        began = self._clock()
        while True:
            asked_at = self._clock()
            cursor = connection.cursor(row_factory=by_name)
            found = cursor.execute(_statement(len(limits)), self._parameters(relay_id, limits))
            if meanwhile:
                meanwhile()  # in a pipeline the database works already; it is waited for when rows are fetched
            claimed = sorted(asked_for(found.fetchall(), asked_at), key=_by_age)
            started_late = any(channel in self._positions for channel in limits)
            self._remember(claimed, limits)
            if claimed:
                emit("claim.made", messages=len(claimed), seconds=self._clock() - began)
            if claimed or not started_late:
                return claimed

    def _parameters(self, relay_id: int, limits: Mapping[str, int]) -> dict[str, object]:
        parameters: dict[str, object] = {"relay": relay_id}
        for place, (channel, limit) in enumerate(limits.items()):
            position = self._positions.get(channel, BEGINNING)
            parameters |= {f"channel_{place}": channel, f"limit_{place}": limit, f"position_{place}": position}
        return parameters

    def _rewind_if_due(self) -> None:
        if self._clock() - self._rewound_at >= REWIND_SECONDS:
            self._positions.clear()
            self._rewound_at = self._clock()

    def _remember(self, claimed: list[Claimed], limits: Mapping[str, int]) -> None:
        for channel, limit in limits.items():
            dues = [message.next_attempt_at for message in claimed if message.channel == channel]
            if len(dues) < limit:
                self._positions.pop(channel, None)
            else:
                self._positions[channel] = max(dues)


def by_name(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Claimed]:
    """A row factory that fills a Claimed by the names of the statement's columns. ValueError if one is missing."""
    names = [column.name for column in cursor.description or ()]
    return claimed_by_name(names) if names else lambda row: Claimed(*row)


@cache
def _statement(channels: int) -> LiteralString:
    places = range(channels)
    due_on_channels = ", ".join(sql.DUE_ON_CHANNEL.format(place) for place in places)
    due = " UNION ALL ".join(f"SELECT id, expires_in FROM due_{place}" for place in places)  # noqa: S608  (places are numbers of ours)
    return sql.CLAIM.format(due_on_channels=due_on_channels, due=due)


def _by_age(message: Claimed) -> tuple[datetime, int]:
    return message.next_attempt_at, message.id


def seconds_to_next_due(connection: Connection, channels: list[str]) -> float | None:
    """How long until the next message of these channels is due; 0 or less: due now; None: nothing waits."""
    seconds: float | None = fetch_row(connection, sql.SECONDS_TO_NEXT_DUE, {"channels": channels})[0]
    return seconds


def is_anything_left(connection: Connection, channels: list[str]) -> bool:
    """Whether a message is left that these channels could still move, now or later."""
    return bool(fetch_row(connection, sql.UNFINISHED, {"channels": channels})[0])
