"""Takes over from relays that are gone: declares them dead, and puts what they held back in its place (G3, G9).

Dead is a relay whose lease ran out; in `prompt` mode also one whose advisory lock is free while its heartbeat is stale.
A lock alone proves nothing: when the server restarts, every relay loses its own at the same moment, while its sends go
on. So nobody is declared dead by a relay whose own session is younger than the others need to come back.
"""

from collections.abc import Collection, Sequence

from notifications.protocol import sql
from notifications.relay.connection import Connection
from notifications.relay.lease import LOCK_CLASS, STALE_SECONDS
from notifications.telemetry import emit

SETTLED_SESSION_SECONDS = 1.5  # relays reconnect within a fraction of a second, and take their lock back first thing
BATCH = 500


def bury(connection: Connection, suspects: Sequence[int], *, prompt: bool) -> list[int]:
    """Remove the rows of those `suspects` that are dead; returns their numbers. `prompt`: a free lock may prove it."""
    rows = connection.execute(
        sql.BURY,
        {"suspects": list(suspects), "prompt": prompt, "stale": STALE_SECONDS, "lock_class": LOCK_CLASS},
    ).fetchall()
    dead: list[int] = [row[0] for row in rows]
    for relay_id in dead:
        emit("relay.declared_dead", relay=relay_id)
    return dead


def rescue(connection: Connection, departed: Sequence[int]) -> int:
    """Put what `departed` relays held back to `pending`, each with an attempt of unknown outcome; returns how many."""
    rescued = 0
    while True:
        rows = connection.execute(sql.RESCUE, {"departed": list(departed), "most": BATCH}).fetchall()
        for (message_id,) in rows:
            emit("message.rescued", message=message_id)
        rescued += len(rows)
        if len(rows) < BATCH:
            return rescued


def release_unheard(connection: Connection, *, relay_id: int, in_hand: Collection[int]) -> int:
    """Put back what our own claim took though its answer never came: all that is ours by the rows and not `in_hand`.

    The relay lives on, so nobody else would ever rescue these; no send of them has begun, so no attempt is recorded.
    """
    released = connection.execute(sql.RELEASE_UNHEARD, {"relay": relay_id, "in_hand": list(in_hand)}).rowcount
    if released:
        emit("claim.reply_lost", relay=relay_id, messages=released)
    return released
