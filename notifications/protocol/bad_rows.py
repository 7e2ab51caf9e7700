"""Runs a job on many rows at once. If that fails, it runs it on each row alone, so that a bad row stops no other."""

import logging
import traceback
from collections.abc import Callable, Sequence

from notifications.protocol.database_errors import is_not_now

logger = logging.getLogger("notifications")

Work = Callable[[Sequence[int]], int]


def work_on_all(job: str, ids: Sequence[int], work: Work) -> tuple[int, list[int]]:
    """Run `work` on all `ids` together or, if that fails, on each alone; returns the sum, and the ids that failed.

    `work` is a transaction of its own. The log names each bad row. If the database is away, its error is raised.
    """
    try:
        return work(ids), []
    except Exception as error:
        if is_not_now(error):
            raise
        if len(ids) == 1:
            report(job, ids[0], error)
            return 0, [*ids]
    done, bad = 0, []
    for each in ids:
        of_one, failed = work_on_all(job, [each], work)
        done += of_one
        bad += failed
    return done, bad


def report(job: str, row: object, error: BaseException) -> None:
    """Log that `job` failed on `row`, and where. The error's own words are left out: they may quote the row (G12)."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed on %s and passes it over: %s\n%s", job, row, type(error).__name__, place)
