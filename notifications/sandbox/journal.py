"""Keeps the messages that the sandbox received, over all channels, in the order of receipt.

Kept in memory: the last `limit` attempts; older ones are forgotten, which a gap in the sequence shows. A call
lasts from receipt until it is answered or its connection is gone, whichever comes first.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from notifications.sandbox.emails import read_email

MOST_ATTEMPTS = 200_000  # texts of a usual size need about 1.5 kB each


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One message as a client handed it over, and what became of it."""

    sequence: int
    received_at: datetime
    channel: str
    to: str
    sender: str
    accepted: bool
    answered: int | None  # the HTTP status or SMTP code; None when the connection was cut instead
    client_port: int  # tells connections apart
    sid: str = ""
    parameters: Mapping[str, Any] | None = None  # of a message over HTTP: the fields of its form or JSON
    text: str = ""  # of a message over HTTP: its body, or what its template says
    final_status: str = "delivered"  # of a message over HTTP, once it has been told
    final_code: int | str = 0
    content: bytes = b""  # of an email: as it came, unread until somebody asks
    ended_at: datetime | None = None  # None while it lasts

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """The call lasts as long as this block, which is cancelled when the connection is gone."""
        try:
            yield
        finally:
            self.ended_at = datetime.now(UTC)

    def as_json(self) -> dict[str, Any]:
        facts = {
            "sequence": self.sequence,
            "received_at": self.received_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "channel": self.channel,
            "to": self.to,
            "from": self.sender,
            "accepted": self.accepted,
            "answered": self.answered,
            "client_port": self.client_port,
            "sid": self.sid,
        }
        if self.parameters is not None:
            return facts | {"body": self.text, "parameters": dict(self.parameters)}
        return facts | read_email(self.content)


class Journal:
    """The attempts, oldest first."""

    def __init__(self, *, limit: int = MOST_ATTEMPTS) -> None:
        self._limit = limit
        self._attempts: deque[Attempt] = deque()
        self._by_sid: dict[str, Attempt] = {}
        self._last = 0

    def record(self, **facts: Any) -> Attempt:
        self._last += 1
        attempt = Attempt(sequence=self._last, received_at=datetime.now(UTC), **facts)
        self._attempts.append(attempt)
        if attempt.sid:
            self._by_sid[attempt.sid] = attempt
        if len(self._attempts) > self._limit:
            self._by_sid.pop(self._attempts.popleft().sid, None)
        return attempt

    def clear(self) -> None:
        """Forget everything; the sequence goes on."""
        self._attempts.clear()
        self._by_sid.clear()

    def since(self, sequence: int) -> list[Attempt]:
        """All attempts after `sequence`, oldest first."""
        return list(takewhile(lambda attempt: attempt.sequence > sequence, self.newest_first()))[::-1]

    def newest_first(self) -> Iterator[Attempt]:
        return reversed(self._attempts)

    def by_sequence(self, sequence: int) -> Attempt | None:
        return next((attempt for attempt in self.newest_first() if attempt.sequence == sequence), None)

    def by_sid(self, sid: str) -> Attempt | None:
        return self._by_sid.get(sid)
