"""What became of the clock's jobs, and whether anything runs them."""

from datetime import datetime, timedelta
from typing import Any

from notifications.models import ClockJob
from notifications.selectors.database_clock import database_now

SILENT_AFTER = timedelta(minutes=5)  # the most frequent jobs run every minute


def clock_jobs(using: str) -> dict[str, dict[str, Any]]:
    """The jobs by name: when each was started last, when it is due, and of its last run the error and how many of the
    last runs have failed in a row.
    """
    return {
        job.name: {
            "started_at": job.started_at,
            "due_at": job.due_at,
            "error": job.error,
            "failures": job.failures,
        }
        for job in ClockJob.objects.using(using).order_by("name")
    }


def silence(jobs: dict[str, dict[str, Any]], *, now: datetime) -> str:
    """What is wrong if nothing runs the jobs; empty if something does. A new job begins with the clock's next look."""
    last = max((job["started_at"] or job["due_at"] for job in jobs.values()), default=None)
    if last is not None and now - last < SILENT_AFTER:
        return ""
    since = f"since {last:%Y-%m-%d %H:%M} UTC" if last else "yet"
    return (
        f"Nothing has run the outbox's clock {since}: held messages, late fallbacks, receipts, alerts and pruning "
        "wait. Start a relay, or, where OUTBOX_CLOCK is apart, manage.py run_outbox_clock."
    )


def silence_now(using: str) -> str:
    """`silence`, read from the database."""
    return silence(clock_jobs(using), now=database_now(using))
