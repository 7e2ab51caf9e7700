"""Takes over from relays that are gone: declares them dead and returns what they held to `pending` (G3, G9).

A relay is dead once its lease has run out; in `prompt` mode also once its advisory lock is free while its heartbeat is
stale. A free lock alone proves nothing: when the server restarts, every relay loses its lock at the same moment, while
its sends go on. So a relay declares nobody dead by a lock until its own session has lasted as long as the others need
to reconnect.
"""

from collections.abc import Collection, Sequence

from notifications.protocol import sql_relays as sql
from notifications.relay.connection import Connection
from notifications.relay.lease import STALE_SECONDS
from notifications.relay.messages import Claim
from notifications.telemetry import emit

SETTLED_SESSION_SECONDS = 1.5  # relays reconnect within a fraction of a second, and take their lock back first thing
BATCH = 500


def declare_dead(connection: Connection, suspects: Sequence[int], *, prompt: bool) -> list[int]:
    """Remove the rows of those `suspects` that are dead; returns their ids. `prompt`: a free lock may prove it.

    What they had not counted is counted once nothing of theirs is left: `tally.count_departed`.
    """
    with connection.transaction():
        unlocked = _unlocked(connection, suspects) if prompt else []
        parameters = {"suspects": list(suspects), "unlocked": unlocked, "stale": STALE_SECONDS}
        dead: list[int] = [key for (key,) in connection.execute(sql.DECLARE_DEAD, parameters).fetchall()]
    for relay_id in dead:
        emit("relay.declared_dead", relay=relay_id)
    return dead


def _unlocked(connection: Connection, suspects: Sequence[int]) -> list[int]:
    """Those of `suspects` whose locks are free; they stay ours until the transaction ends."""
    locks = connection.execute(sql.LOCKS_OF, {"suspects": list(suspects)}).fetchall()
    ids, classes = [key for key, _ in locks], [lock_class for _, lock_class in locks]
    return [key for (key,) in connection.execute(sql.TRY_LOCKS, {"ids": ids, "classes": classes}).fetchall()]


def rescue(connection: Connection, departed: Sequence[int]) -> int:
    """Return to `pending` what `departed` relays held, each with an attempt of unknown outcome; returns how many."""
    rescued = 0
    while True:
        rows = connection.execute(sql.RESCUE, {"departed": list(departed), "most": BATCH}).fetchall()
        for (message_id,) in rows:
            emit("message.rescued", message=message_id)
        rescued += len(rows)
        if len(rows) < BATCH:
            return rescued


def return_unanswered_claims(connection: Connection, *, relay_id: int, in_hand: Collection[Claim]) -> int:
    """Return messages that our claim took but whose reply was lost: ours by the rows, and not `in_hand`.

    This relay lives on, so no other would rescue them. No send of them has begun, so no attempt is recorded.
    """
    known = {"ids": [number for number, _ in in_hand], "claim_numbers": [claim for _, claim in in_hand]}
    returned = connection.execute(sql.RETURN_UNANSWERED, {"relay": relay_id} | known).rowcount
    if returned:
        emit("claim.reply_lost", relay=relay_id, messages=returned)
    return returned
