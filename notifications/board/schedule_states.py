"""The state of scheduled work, if django-q2 is installed: the last and the next run, and failures."""

from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import Count, Q

from notifications.board.figures import ScheduleFigures

LATE = timedelta(minutes=2)  # a run this late means that no `qcluster` is running
MOST = 50


def schedules(now: datetime, using: str) -> list[ScheduleFigures] | None:
    """The schedules by name; None if django-q2 is not installed."""
    if not apps.is_installed("django_q"):
        return None
    schedule, task = apps.get_model("django_q", "Schedule"), apps.get_model("django_q", "Task")
    rows = list(schedule.objects.using(using).order_by("name").values("name", "next_run", "repeats", "task")[:MOST])
    tasks = task.objects.using(using)
    last = {
        found["id"]: found
        for found in tasks.filter(id__in=[row["task"] for row in rows if row["task"]]).values(
            "id", "started", "success"
        )
    }
    failed = tasks.filter(Q(success=False) & Q(stopped__gt=now - timedelta(days=1)))
    failures = dict(failed.values("group").annotate(number=Count("id")).order_by().values_list("group", "number"))
    return [_state(row, last.get(row["task"]), failures, now) for row in rows]


def _state(
    row: dict[str, Any], last: dict[str, Any] | None, failures: dict[str, int], now: datetime
) -> ScheduleFigures:
    is_paused = row["repeats"] == 0
    return ScheduleFigures(
        name=row["name"] or "",
        next_run=row["next_run"],
        is_paused=is_paused,
        is_late=not is_paused and row["next_run"] is not None and row["next_run"] < now - LATE,
        last_run=last["started"] if last else None,
        has_failed=last is not None and not last["success"],
        failures=failures.get(row["name"] or "", 0),
    )
