"""The table of alerts: each is reported once when it starts and once when it clears."""

from django.db import models
from django.db.models.functions import Now


class Alert(models.Model):
    """One alert. If `is_firing` is false, it has cleared, and somebody is still to be notified."""

    name = models.CharField(max_length=64)
    detail = models.CharField(max_length=300)
    is_firing = models.BooleanField(db_default=True)
    raised_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), help_text="when its rule last held")
    notified_at = models.DateTimeField(null=True, help_text="when somebody was notified; null: not yet")
    notifying_until = models.DateTimeField(db_default=Now(), help_text="until then one process tries to notify")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="alert_is_raised_once")]

    def __str__(self) -> str:
        return f"{self.name} since {self.raised_at:%Y-%m-%d %H:%M}"
