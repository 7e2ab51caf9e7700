"""The relays that run, and what they agree on about each channel.

Written by relays with the statements of `protocol/sql.py` and `protocol/sql_channels.py`, and by operators' commands.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Relay(models.Model):
    """A running relay process and its lease: what it holds is its own until `lease_until`, by the database's clock."""

    id = models.AutoField(primary_key=True)  # 4 bytes: also the key of the relay's advisory lock
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    concurrency = models.IntegerField()
    in_flight = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    load = models.FloatField(null=True, help_text=_("of its host: processes that run or wait, over the last minute"))
    command = models.CharField(
        max_length=8, blank=True, db_default="", help_text=_("stop or drain: what somebody told it to do")
    )
    counted_to = models.BigIntegerField(db_default=0, help_text=_("the attempt up to which its own are counted"))

    class Meta:
        permissions = [("command_relay", "Can stop and drain relays")]
        constraints = [
            models.CheckConstraint(condition=Q(command__in=["", "stop", "drain"]), name="relay_command_is_known"),
        ]

    def __str__(self) -> str:
        return f"relay {self.pk} ({self.host}:{self.pid})"


class Channel(models.Model):
    """What all relays agree on about a channel: paused by somebody, or its provider out of service, and its pace."""

    name = models.CharField(max_length=32)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, db_default="")
    pause_reason = models.CharField(max_length=200, blank=True, db_default="")
    failures = models.IntegerField(db_default=0, help_text=_("of the provider, since its last answer"))
    broken_at = models.DateTimeField(null=True, blank=True, help_text=_("since when its provider is out of service"))
    probes = models.IntegerField(db_default=0, help_text=_("that failed since then"))
    probe_at = models.DateTimeField(null=True, blank=True, help_text=_("when one message tests the provider again"))
    recovered_at = models.DateTimeField(null=True, blank=True)
    next_slot_at = models.DateTimeField(db_default=Now(), help_text=_("when a limited rate allows the next message"))

    class Meta:
        permissions = [("pause_channel", "Can pause and resume channels")]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="channel_is_known_once"),
            models.CheckConstraint(
                condition=Q(broken_at__isnull=True, probe_at__isnull=True)
                | Q(broken_at__isnull=False, probe_at__isnull=False),
                name="channel_is_probed_while_broken",
            ),
        ]

    def __str__(self) -> str:
        return self.name
