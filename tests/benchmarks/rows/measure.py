"""Publishes to one variant's tables and sends from them, on one connection, with a send that does nothing."""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from notifications.protocol import sql_messages as sql
from notifications.protocol import sql_relays
from notifications.protocol.arrays import numbers, texts
from tests.benchmarks.footprint import SIZES, wal
from tests.benchmarks.rows.variants import Variant
from tests.benchmarks.seeding import EMPTY, RECIPIENTS, Connection, settle_down
from tests.benchmarks.work import CONTEXT, KIND

BATCH = 500
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """Bytes and microseconds are of one message. `processor` is the backend's time, not this process's.

    `bytes_packed`: as kept, without the room that older versions of the rows left for the next messages.
    """

    per_second: float
    processor: float
    wal_publishing: float
    wal_sending: float
    bytes_kept: float
    bytes_packed: float


def measured(connection: Connection, variant: Variant, *, messages: int, users: int) -> Round:
    """Empty the tables, publish `messages` to `users` in turn, and send them all."""
    tables = [*variant.kept, *variant.live]
    connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    connection.execute(EMPTY)
    connection.execute(RECIPIENTS, {"recipients": users, "all_channels": True})
    settle_down(connection, *tables, "notifications_recipient")
    before = wal(connection)
    publish(connection, variant, messages=messages, users=users)
    published = wal(connection)
    connection.execute(f"VACUUM ANALYZE {', '.join(tables)}, notifications_recipient")
    began, worked, vacuumed = time.perf_counter(), processor_seconds(connection), wal(connection)
    send(connection, variant, messages=messages)
    seconds, worked, sent = time.perf_counter() - began, processor_seconds(connection) - worked, wal(connection)
    connection.execute(f"VACUUM ANALYZE {', '.join(tables)}")
    kept = size_of(connection, variant)
    connection.execute(f"VACUUM FULL {', '.join(variant.kept)}")
    return Round(
        messages / seconds,
        worked * 1e6 / messages,
        (published - before) / messages,
        (sent - vacuumed) / messages,
        kept / messages,
        size_of(connection, variant) / messages,
    )


def size_of(connection: Connection, variant: Variant) -> int:
    (size,) = connection.execute(SIZES, [list(variant.kept)]).fetchone() or (0,)
    return int(size)


def publish(connection: Connection, variant: Variant, *, messages: int, users: int) -> None:
    """As a booking does, but a thousand to a transaction: the waits for the disk are not the trial's."""
    for first in range(0, messages, 1000):
        with connection.transaction(), connection.pipeline():
            for number in range(first, min(first + 1000, messages)):
                recipient = 1 + number % users
                connection.execute(sql.LOCK_RECIPIENT, {"key": recipient})
                connection.execute(variant.enqueue, _published(number, recipient))


def _published(number: int, recipient: int) -> dict[str, Any]:
    texts_of = {
        "replace_key": "",
        "origin": "POST /api/payments/verify/",
        "traceparent": "",
        "context": json.dumps(CONTEXT),
    }
    moments = {"expires_at": None, "send_at": None, "held_until": None}
    lists = {"channels": ["sms"], "lanes": [""], "suppressions": [""], "leads": [True]}
    about = {"dedupe_key": f"booking:{number}:confirmed", "reference": f"booking:{number}"}
    return {"recipient": recipient, "kind": KIND, **texts_of, **moments, **lists, **about}


def send(connection: Connection, variant: Variant, *, messages: int) -> None:
    """Claim, settle and promote until nothing is left. RuntimeError unless that is every message, once."""
    registered = {"host": "trial", "pid": 0, "concurrency": 1, "release": "", "lease": 3600.0, "lock_class": None}
    (relay,) = connection.execute(sql_relays.REGISTER, registered | {"counted_to": 0}).fetchone() or (0,)
    position, sent = BEGINNING, 0
    while True:
        claimed = connection.execute(
            variant.claim, {"relay": relay, "channel_0": "sms", "limit_0": BATCH, "position_0": position}
        ).fetchall()
        if not claimed and position == BEGINNING:
            break
        position = max(row[11] for row in claimed) if len(claimed) == BATCH else BEGINNING
        if not claimed:
            continue
        with connection.transaction(), connection.pipeline():
            connection.execute(sql.LOCK_FREE_RECIPIENTS, {"recipients": numbers([row[2] for row in claimed])})
            settled = connection.execute(variant.settle, {"relay": relay} | _outcomes(claimed))
        sent += len(settled.fetchall())
    if sent != messages:
        raise RuntimeError(f"{variant.name}: {sent} of {messages} were sent")


def _outcomes(claimed: list[tuple[Any, ...]]) -> dict[str, object]:
    words = {"statuses": "sent", "answers": "accepted", "codes": "", "details": "", "addresses": "+14155550123"}
    figures = {"deferrals": None, "delays": None, "began": 0.0, "ended": 0.0}
    return {
        "ids": numbers([row[0] for row in claimed]),
        "claim_numbers": numbers([row[1] for row in claimed]),
        "recipients": numbers([row[2] for row in claimed]),
        "lanes": texts([row[3] for row in claimed]),
        "attempts": numbers([row[8] + 1 for row in claimed]),
        "provider_ids": texts([f"SM{row[0]:032}" for row in claimed]),
        **{name: texts([word] * len(claimed)) for name, word in words.items()},
        **{name: numbers([figure] * len(claimed)) for name, figure in figures.items()},
    }


def processor_seconds(connection: Connection) -> float:
    """Of the connection's backend, by the kernel. Zero where the server is on another machine."""
    status = Path(f"/proc/{connection.info.backend_pid}/stat")
    if not status.exists():
        return 0.0
    fields = status.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
