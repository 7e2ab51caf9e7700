"""Loops over many rows: a row that raises an error is logged, skipped and tried again later, and the rest is done.

For loops whose rows have no column for their next try. If the database is away the loop ends: no row is at fault, and
the next run tries all of them.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import models
from django.db.models import QuerySet

from notifications.protocol.database_errors import is_not_now

Result = TypeVar("Result")

SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
MOST_ERROR = 500  # characters

log = logging.getLogger(__name__)


class Setback(models.Model):
    """A row on which a loop has failed; deleted once the loop succeeds."""

    job = models.CharField(max_length=32)
    row = models.BigIntegerField(help_text="the row's id in the job's own table")
    failures = models.PositiveIntegerField(default=1)
    error = models.CharField(max_length=MOST_ERROR)
    next_try_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "row"], name="setback_is_of_one_row")]

    def __str__(self) -> str:
        return f"{self.job} {self.row}"


def waiting(job: str, *, now: datetime) -> QuerySet[Setback, int]:
    """The rows that `job` must not try yet, for an `exclude`."""
    return Setback.objects.filter(job=job, next_try_at__gt=now).values_list("row", flat=True)


def do_each(job: str, rows: Iterable[int], work: Callable[[int], Result], *, now: datetime) -> Iterable[Result]:
    """The result of `work` for each of `rows`; rows on which it fails are skipped, each with its own backoff.

    Re-raises errors that mean "not now".
    """
    ids = list(rows)
    known = set(Setback.objects.filter(job=job, row__in=ids).values_list("row", flat=True)) if ids else set()
    for row in ids:
        try:
            done = work(row)
        except Exception as error:
            if is_not_now(error):
                raise
            log.exception("%s of %s failed and is passed over", job, row)
            _note(job, row, error, now=now)
        else:
            if row in known:
                Setback.objects.filter(job=job, row=row).delete()
            yield done


def note_or_clear(job: str, row: int, error: Exception | None, *, now: datetime) -> None:
    """Note that the job failed with `error`, or, without one, that it no longer does."""
    if error is not None:
        _note(job, row, error, now=now)
    else:
        Setback.objects.filter(job=job, row=row).delete()


def _note(job: str, row: int, error: Exception, *, now: datetime) -> None:
    before = Setback.objects.filter(job=job, row=row).first()
    failures = before.failures + 1 if before else 1
    pause = min(SHORTEST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    words = f"{type(error).__name__}: {error}".replace("\x00", "")[:MOST_ERROR]
    Setback.objects.update_or_create(
        job=job, row=row, defaults={"failures": failures, "error": words, "next_try_at": now + pause}
    )
