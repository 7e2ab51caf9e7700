"""Work on many rows at once, of which a bad one must not stop the rest."""

import logging
import traceback
from collections.abc import Callable, Sequence

from notifications.protocol.database_errors import is_not_now

logger = logging.getLogger("notifications")

Work = Callable[[Sequence[int]], int]


def work_on_all(job: str, ids: Sequence[int], work: Work) -> tuple[int, list[int]]:
    """What `work` came to for all `ids` together, or for each alone where that fails; and the ids on which it fails.

    `work` is a transaction of its own. The log names each bad row. Raises what says that the database is away.
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


def report(job: str, row: object, error: Exception) -> None:
    """Log that `job` fails on `row` and passes it over, and where; an error's own words may quote the row (G12)."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed on %s and passes it over: %s\n%s", job, row, type(error).__name__, place)
