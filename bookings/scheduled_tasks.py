"""The schedules as staff see them, and pausing and resuming them, on record.

django-q2's own page lets whoever may edit a schedule choose the function; ours shows schedules, and changes only
whether they run. A paused schedule is one that repeats 0 times more.
"""

from django.conf import settings
from django.db import models, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django_q.models import Schedule, Task

from notifications.operations.record_action import record

PAUSED, FOR_EVER = 0, -1  # django-q2's `repeats`


class ScheduledTaskManager(models.Manager["ScheduledTask"]):
    """Only the schedules that the cluster runs: those of settings.SCHEDULES."""

    def get_queryset(self) -> models.QuerySet["ScheduledTask"]:
        ours: models.QuerySet[ScheduledTask] = super().get_queryset().filter(name__in=settings.SCHEDULES)
        return ours

    def with_last_run(self) -> models.QuerySet["ScheduledTask"]:
        """Each with `last_run` and `last_success`. Results stay unread: django-q2 unpickles them."""
        last = Task.objects.filter(pk=OuterRef("task"))
        rows: models.QuerySet[ScheduledTask] = self.get_queryset().annotate(
            last_run=Subquery(last.values("started")[:1]), last_success=Subquery(last.values("success")[:1])
        )
        return rows


class ScheduledTask(Schedule):  # type: ignore[misc]  # django-q2 has no types
    """django-q2's row, with a name, a page and permissions of our own."""

    objects = ScheduledTaskManager()

    class Meta:
        proxy = True
        app_label = "bookings"
        default_permissions = ("view",)
        permissions = [("pause_scheduledtask", "Can pause and resume scheduled tasks")]
        verbose_name = "scheduled task"
        verbose_name_plural = "scheduled tasks"

    def __str__(self) -> str:
        return str(self.name)

    @property
    def subject(self) -> str:
        """What the record calls it."""
        return f"schedule:{self.name}"

    @property
    def is_paused(self) -> bool:
        return bool(self.repeats == PAUSED)


def pause(name: str, *, actor: str, reason: str) -> bool:
    """Have no cluster begin the task `name`, queued or not, until it is resumed; False if it was paused before.

    A run that has begun is finished.
    """
    return _switch(name, "pause_schedule", repeats=PAUSED, actor=actor, reason=reason)


def resume(name: str, *, actor: str, reason: str) -> bool:
    """Let the task `name` run again, at once; False if it was not paused."""
    return _switch(name, "resume_schedule", repeats=FOR_EVER, actor=actor, reason=reason)


def paused_functions() -> set[str]:
    """The functions of the paused schedules, by settings.SCHEDULES."""
    names = ScheduledTask.objects.filter(repeats=PAUSED).values_list("name", flat=True)
    return {settings.SCHEDULES[name][0] for name in names}


@transaction.atomic
def _switch(name: str, verb: str, *, repeats: int, actor: str, reason: str) -> bool:
    schedule = ScheduledTask.objects.select_for_update().get(name=name)
    if schedule.is_paused == (repeats == PAUSED):
        return False
    schedule.repeats = repeats
    if repeats != PAUSED:
        schedule.next_run = timezone.now()
    schedule.save(update_fields=["repeats", "next_run"])
    record(verb, actor=actor, reason=reason, subject=schedule.subject)
    return True
