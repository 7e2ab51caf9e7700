"""Puts failed messages back, and withdraws waiting ones: the one place behind admin, command and API (G11).

A replayed message keeps its id, so it goes next in its lane, before everything younger that still waits; what was sent
meanwhile stays sent. Its history of attempts stays, and who replayed it is on record.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper

from notifications import origin
from notifications.models import OutboxMessage
from notifications.models.audit import BulkReplay, OperatorAction, Verb
from notifications.protocol import sql, sql_lanes
from notifications.protocol.notify import notify_after_commit
from notifications.protocol.promotion import promote

MOST_ACTOR = 150  # characters
BATCH = 500  # messages per transaction: their recipients stay locked until its end


def replay(
    ids: Iterable[int],
    *,
    actor: str,
    reason: str = "",
    using: str = DEFAULT_DB_ALIAS,
    progress: Callable[[int], None] | None = None,
) -> list[int]:
    """Put the failed messages among `ids` back in their lanes, with their attempts counted anew; returns their ids.

    Works in batches, each a transaction of its own, oldest first; `progress` is told how many ids are done.
    """
    replayed: list[int] = []
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        replayed += replay_batch(batch, actor=actor, reason=reason, using=using)
        if progress:
            progress(start + len(batch))
    return replayed


def cancel(ids: Iterable[int], *, actor: str = "", reason: str = "", using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """Withdraw the waiting messages among `ids`; returns those withdrawn. What is being sent cannot be called back.

    Without an `actor` it is the application that withdraws them, on behalf of the request that is on record.
    """
    wanted = sorted(set(ids))
    actor = actor or origin.current() or "the application"
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        rows = _change_lanes(cursor, sql_lanes.CANCEL, wanted, using=using)
        OperatorAction.objects.using(using).bulk_create(
            OperatorAction(action=Verb.CANCEL, message_id=message, actor=actor[:MOST_ACTOR], reason=reason)
            for message, _recipient, _lane in rows
        )
        notify_after_commit(using)
    return sorted(row[0] for row in rows)


def replay_batch(
    ids: Sequence[int], *, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS, bulk: BulkReplay | None = None
) -> list[int]:
    """Put the failed messages among `ids` back, in one transaction, or in the caller's; returns their ids."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        rows = _change_lanes(cursor, sql_lanes.REPLAY, ids, using=using)
        OperatorAction.objects.using(using).bulk_create(
            OperatorAction(
                action=Verb.REPLAY, message_id=message, actor=actor, reason=reason, error_code=error_code, bulk=bulk
            )
            for message, _recipient, _lane, error_code in rows
        )
        notify_after_commit(using)
    return sorted(row[0] for row in rows)


def _change_lanes(cursor: CursorWrapper, statement: str, ids: Sequence[int], *, using: str) -> list[tuple[Any, ...]]:
    """Lock the messages' lanes, run `statement` on the messages, then let each lane's oldest lead it if none does."""
    recipients = OutboxMessage.objects.using(using).filter(id__in=ids).values_list("recipient_id", flat=True)
    cursor.execute(sql.LOCK_RECIPIENTS, {"recipients": sorted(set(recipients))})
    cursor.execute(statement, {"ids": list(ids)})
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    promote(cursor, {(row[1], row[2]) for row in rows})
    return rows
