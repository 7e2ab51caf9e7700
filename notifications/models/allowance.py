"""The table that caps count in: messages to each recipient and phone number, this hour and this day."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Allowance(models.Model):
    """One row for each recipient and each phone number to which anything was sent while there were caps."""

    key = models.CharField(max_length=64, help_text=_("recipient:12, or number:+14155550123"))
    hour = models.DateTimeField(null=True, help_text=_("when the hour began that `in_hour` is about"))
    in_hour = models.IntegerField(db_default=0)
    day = models.DateTimeField(null=True, help_text=_("when the day began that `in_day` is about"))
    in_day = models.IntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="allowance_is_one_per_key")]

    def __str__(self) -> str:
        return f"allowance {self.pk}"
