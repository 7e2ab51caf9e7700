"""The table that caps count in: messages to each recipient and phone number, this hour and this day."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Allowance(models.Model):
    """One row per recipient and per phone number to which something was sent while there were caps."""

    key = models.CharField(max_length=64, help_text=_("recipient:12, or number:+14155550123"))
    hour = models.DateTimeField(null=True, help_text=_("the beginning of the hour that `in_hour` counts"))
    in_hour = models.IntegerField(db_default=0)
    day = models.DateTimeField(null=True, help_text=_("the beginning of the day that `in_day` counts"))
    in_day = models.IntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="allowance_is_one_per_key")]

    def __str__(self) -> str:
        return f"allowance {self.pk}"
