"""The package's periodic jobs. Each may run twice, and side by side."""

from collections.abc import Callable
from dataclasses import dataclass

from notifications import schedules

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Job:
    """`run` gets the alias of the database. It runs every `period` seconds; after `lease` seconds without an end, its
    process counts as gone, and another one runs it.
    """

    name: str
    run: Callable[[str], object]
    period: float
    lease: float = 5 * MINUTE


JOBS = (
    Job("release held messages", lambda using: schedules.release_held(using=using), MINUTE),
    Job("fall back to another channel", lambda using: schedules.fall_back(using=using), MINUTE),
    Job("look for trouble", lambda using: schedules.look_for_trouble(using=using), MINUTE),
    Job("finish bulk replays", lambda using: schedules.finish_bulk_replays(using=using), MINUTE),
    Job("poll receipts", lambda using: schedules.poll_receipts(using=using), 5 * MINUTE, lease=15 * MINUTE),
    Job("prune the outbox", lambda using: schedules.prune_outbox(using=using), HOUR),
    Job("prune what is known of people", lambda using: schedules.prune_people(using=using), DAY, lease=HOUR),
)
