"""Replays, or cancels, all messages that match a filter, in batches. Each batch is a transaction that also records the
progress. Actions on the rows of a list (`bulk_rows`) are driven, stopped and finished here, too.

Whoever watches a bulk replay runs its batches: the admin's page or the API's client; and the scheduled task, if nobody
watches any more. They may run at the same time: a batch locks the bulk replay's row, and whoever finds it locked stops.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models.functions import Now

from notifications.models.audit import BulkReplay, Verb
from notifications.operations import bulk_rows
from notifications.operations.record_action import Actor, record, user_id_of
from notifications.operations.replay import BATCH, cancel_batch, replay_batch
from notifications.protocol.bad_rows import report, work_on_all
from notifications.protocol.database_errors import is_not_now
from notifications.selectors.database_clock import database_now
from notifications.selectors.failed_messages import ReplayPreview, Selection

ABANDONED_AFTER = timedelta(seconds=30)  # without a batch: nobody watches it any more


def start(
    selection: Selection, seen: ReplayPreview, *, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS
) -> BulkReplay:
    """Record a bulk replay, or a cancellation, of what the preview showed (`seen`); nothing is done yet."""
    return BulkReplay.objects.using(using).create(
        action=(Verb.CANCEL if selection.is_waiting else Verb.REPLAY).value,
        filters=selection.as_json(),
        as_of=seen.as_of,
        total=seen.total,
        actor=actor,
        actor_id=user_id_of(actor),
        reason=reason,
    )


def work(
    bulk_id: int,
    *,
    seconds: float,
    using: str = DEFAULT_DB_ALIAS,
    clock: Callable[[], float] = time.monotonic,
) -> BulkReplay:
    """Do batches for about `seconds`, or to the end; returns the bulk replay, with its progress."""
    until = clock() + seconds
    bulk = BulkReplay.objects.using(using).get(pk=bulk_id)
    step = partial(bulk_rows.work_on_next, bulk) if bulk_rows.is_of_rows(bulk) else partial(_work_batch, bulk_id, using)
    while step() and clock() < until:
        pass
    return BulkReplay.objects.using(using).get(pk=bulk_id)


def stop(bulk_id: int, *, actor: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Stop it. What is done stays done. False if it had come to its end before."""
    with transaction.atomic(using=using):
        running = BulkReplay.objects.using(using).filter(pk=bulk_id, finished_at=None)
        has_stopped = bool(running.update(finished_at=Now(), stopped_by=actor))
        if has_stopped:
            record(Verb.STOP_REPLAY, actor=actor, bulk_id=bulk_id, using=using)
    return has_stopped


def finish_abandoned(*, seconds: float, using: str = DEFAULT_DB_ALIAS) -> int:
    """Continue bulk replays that nobody watches, for about `seconds`; returns how many came to their end."""
    idle = BulkReplay.objects.using(using).filter(finished_at=None, worked_at__lt=database_now(using) - ABANDONED_AFTER)
    until = time.monotonic() + seconds
    ended = 0
    for bulk_id in list(idle.order_by("pk").values_list("pk", flat=True)):
        try:
            bulk = work(bulk_id, seconds=max(until - time.monotonic(), 0), using=using)
        except Exception as error:
            if is_not_now(error):
                raise
            report("bulk replay", bulk_id, error)
            continue
        ended += bulk.finished_at is not None
    return ended


def _work_batch(bulk_id: int, using: str) -> bool:
    """Do the next batch and record the progress, in one transaction; whether there may be more to do."""
    with transaction.atomic(using=using):
        bulk = (
            BulkReplay.objects.using(using)
            .select_for_update(no_key=True, skip_locked=True)
            .filter(pk=bulk_id, finished_at=None)
            .first()
        )
        if bulk is None:
            return False
        matching = Selection.from_json(bulk.filters).matching(as_of=bulk.as_of, using=using)
        ids = list(matching.filter(pk__gt=bulk.position).order_by("pk").values_list("pk", flat=True)[:BATCH])
        words = {"actor": Actor.called(bulk.actor, bulk.actor_id), "reason": bulk.reason}
        act = cancel_batch if bulk.action == Verb.CANCEL else replay_batch
        what = f"bulk {bulk.action} {bulk.pk}"
        done, _ = work_on_all(what, ids, lambda some: len(act(some, **words, using=using, bulk=bulk)))
        bulk.replayed += done
        bulk.position = ids[-1] if ids else bulk.position
        bulk.worked_at = database_now(using)
        has_more = len(ids) == BATCH
        bulk.finished_at = None if has_more else bulk.worked_at
        bulk.save(using=using, update_fields=["replayed", "position", "worked_at", "finished_at"])
    return has_more
