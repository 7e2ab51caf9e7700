"""The table of the relays that run.

Written by relays with the statements of `protocol/sql_messages.py`, and by operators' commands.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Relay(models.Model):
    """A running relay process and its lease: its claims are its own until `lease_until`, by the database's clock."""

    id = models.AutoField(primary_key=True)  # 4 bytes: also the second key of the relay's advisory lock
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    concurrency = models.IntegerField()
    in_flight = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    load = models.FloatField(null=True, help_text=_("of its host: processes that run or wait, averaged over a minute"))
    command = models.CharField(
        max_length=8, blank=True, db_default="", help_text=_("stop or drain: what somebody told it to do")
    )
    release = models.CharField(
        max_length=64, blank=True, db_default="", help_text=_("the code and templates that it runs, by name or digest")
    )
    lock_class = models.IntegerField(
        null=True, help_text=_("the first key of its advisory lock; empty: of a version before schemas had their own")
    )
    counted_to = models.BigIntegerField(db_default=0, help_text=_("the attempt up to which its own are counted"))

    class Meta:
        permissions = [("command_relay", "Can stop and drain relays")]
        constraints = [
            models.CheckConstraint(condition=Q(command__in=["", "stop", "drain"]), name="relay_command_is_known"),
        ]

    def __str__(self) -> str:
        return f"relay {self.pk} ({self.host}:{self.pid})"


class DepartedRelay(models.Model):
    """A relay that was declared dead, until its last attempts are counted: a settle of its own may still be running."""

    id = models.IntegerField(primary_key=True)  # as it was in Relay
    counted_to = models.BigIntegerField(help_text=_("the attempt up to which its own are counted"))

    def __str__(self) -> str:
        return f"departed relay {self.pk}"
