"""The table of the clock's jobs: when each is due, and what became of it."""

from django.db import models


class ClockJob(models.Model):
    """One job of `notifications.clock.jobs`."""

    name = models.CharField(max_length=64, primary_key=True)
    due_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    running_until = models.DateTimeField(null=True, help_text="until then no other process runs it; null: it is free")
    error = models.CharField(max_length=64, db_default="", help_text="the type of what its last run raised")
    failures = models.IntegerField(db_default=0, help_text="in a row")

    def __str__(self) -> str:
        return self.name
