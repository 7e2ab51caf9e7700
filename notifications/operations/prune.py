"""Deletes messages that ended long ago, in small batches, while everything else runs. Never an unfinished one (G3).

It walks along the primary key, and stops at the first batch whose messages were all published after the limit: a
message ends after it was published, and ids follow publication. So it reads the messages that it deletes, the old ones
that stay, and one batch more, however large the table is.

Attempts, receipts and references are deleted with their message, by one statement: Django's own delete keeps the
interpreter of a relay, whose clock may run this, busy thirty times as long. It still does the work where another app's
model refers to messages, because that decides what happens to its rows. The record of what staff did stays, and so do
the dedupe keys, so that nothing is announced twice.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Max, Min, Model, QuerySet
from django.db.models.signals import post_delete, pre_delete

from notifications.lifecycle import ENDED
from notifications.models import OutboxMessage
from notifications.protocol.arrays import numbers
from notifications.protocol.bad_rows import work_on_all
from notifications.protocol.database_errors import is_not_now
from notifications.protocol.sql_prune import DELETE_MESSAGES

BATCH = 1_000  # messages per transaction; each takes about a tenth of a second on a busy machine


@dataclass(slots=True)
class Pruned:
    """The messages that were removed, or would be, by status; `is_complete`: nothing was left to remove."""

    messages: Counter[str] = field(default_factory=Counter)
    is_complete: bool = False

    @property
    def total(self) -> int:
        return self.messages.total()


def prune(
    before: datetime,
    *,
    dry_run: bool = False,
    using: str = DEFAULT_DB_ALIAS,
    batch: int = BATCH,
    progress: Callable[[Pruned], None] = lambda _: None,
    pause: Callable[[float], bool] | None = None,
) -> Pruned:
    """Remove the messages that ended before `before`, oldest first; with `dry_run`, only count them.

    After each batch, `progress` gets what was removed so far. Then `pause` gets the seconds that the batch took. It
    waits as long, which leaves half of the time to others, and returns True to stop.
    """
    pause = pause or _sleep
    pruned, after = Pruned(), 0
    while True:
        began = time.monotonic()
        walked = _along_the_key(after, using)[:batch].aggregate(Min("id"), Max("id"), Min("created_at"))
        if walked["id__min"] is None or walked["created_at__min"] >= before:
            pruned.is_complete = True
            return pruned
        first, after = walked["id__min"], walked["id__max"]
        try:
            pruned.messages.update(_prune_batch(first, after, before, dry_run=dry_run, using=using))
        except Exception as error:  # another app's row may protect one of them
            if is_not_now(error):
                raise
            for message in _along_the_key(first - 1, using).filter(id__lte=after).values_list("id", flat=True):
                one = partial(_prune_one, pruned, before, dry_run=dry_run, using=using)
                work_on_all("prune", [message], one)
        progress(pruned)
        if pause(0.0 if dry_run else time.monotonic() - began):
            return pruned


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _along_the_key(after: int, using: str) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.using(using).filter(id__gt=after).order_by("id")


def _prune_one(pruned: Pruned, before: datetime, ids: Sequence[int], *, dry_run: bool, using: str) -> int:
    (message,) = ids
    removed = _prune_batch(message, message, before, dry_run=dry_run, using=using)
    pruned.messages.update(removed)
    return sum(removed.values())


def _prune_batch(first: int, last: int, before: datetime, *, dry_run: bool, using: str) -> Mapping[str, int]:
    """Remove the ended messages with ids from `first` to `last`. One that a replay is changing stays."""
    old = OutboxMessage.objects.using(using).filter(
        id__gte=first, id__lte=last, status__in=ENDED, finished_at__lt=before
    )
    if dry_run:
        return Counter(old.values_list("status", flat=True))
    with transaction.atomic(using=using):
        # Lock first. This skips a row that a replay is changing, and no locked row can change before it is deleted.
        locked = dict(old.select_for_update(skip_locked=True).order_by("id").values_list("id", "status"))
        _delete(list(locked), using)
    return Counter(locked.values())


def _delete(ids: Sequence[int], using: str) -> None:
    if ids and _is_only_ours():
        with connections[using].cursor() as cursor:
            cursor.execute(DELETE_MESSAGES, {"ids": numbers(ids)})
    elif ids:
        OutboxMessage.objects.using(using).filter(id__in=ids).delete()


def _is_only_ours() -> bool:
    """Whether nobody else's model refers to what is deleted, and nobody's code asks to be told of it."""
    models: set[type[Model]] = {OutboxMessage, *_referring(OutboxMessage)}
    refer = {other for model in models for other in _referring(model)}
    is_heard = any(signal.has_listeners(model) for signal in (pre_delete, post_delete) for model in models)
    return not is_heard and all(model._meta.app_label == OutboxMessage._meta.app_label for model in models | refer)


def _referring(model: type[Model]) -> list[type[Model]]:
    return [relation.related_model for relation in model._meta.related_objects]
