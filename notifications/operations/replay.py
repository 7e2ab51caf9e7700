"""Replays failed messages and cancels waiting ones, for admin, commands and API alike (G11).

A replayed message keeps its id, so it goes next in its lane, before the younger messages that still wait. Younger ones
that were sent before stay sent. The history of attempts stays, and the record names who replayed the message.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from notifications import origin
from notifications.models import OutboxMessage
from notifications.models.audit import BulkReplay, Verb
from notifications.operations.record_action import record_for_each
from notifications.protocol import sql_lanes
from notifications.protocol.lanes import locked_lanes

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

    Works in batches, each a transaction of its own, oldest first; `progress` gets the number of ids done.
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
    actor = actor or origin.current() or "the application"
    return cancel_batch(sorted(set(ids)), actor=actor, reason=reason, using=using)


def cancel_batch(
    ids: Sequence[int], *, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS, bulk: BulkReplay | None = None
) -> list[int]:
    """Withdraw the waiting messages among `ids`, in one transaction, or in the caller's; returns their ids."""
    with _changed(ids, sql_lanes.CANCEL, using=using) as rows:
        each = ((row[0], "") for row in rows)
        record_for_each(Verb.CANCEL, each, actor=actor, reason=reason, using=using, bulk=bulk)
    return sorted(row[0] for row in rows)


def replay_batch(
    ids: Sequence[int], *, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS, bulk: BulkReplay | None = None
) -> list[int]:
    """Put the failed messages among `ids` back, in one transaction, or in the caller's; returns their ids."""
    with _changed(ids, sql_lanes.REPLAY, using=using) as rows:
        failed = ((message, error_code) for message, _recipient, _lane, error_code in rows)
        record_for_each(Verb.REPLAY, failed, actor=actor, reason=reason, using=using, bulk=bulk)
    return sorted(row[0] for row in rows)


@contextmanager
def _changed(ids: Sequence[int], statement: str, *, using: str) -> Iterator[list[tuple[Any, ...]]]:
    """Run `statement` on the messages `ids`; yields its rows, in the transaction, for the record of who did it."""
    recipients = OutboxMessage.objects.using(using).filter(id__in=ids).values_list("recipient_id", flat=True)
    with locked_lanes(recipients, using=using) as lanes:
        rows = lanes.fetch_all(statement, {"ids": list(ids)})
        lanes.changed.update((row[1], row[2]) for row in rows)
        yield rows
