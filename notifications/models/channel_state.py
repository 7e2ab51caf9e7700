"""The table of each channel's state, shared by all relays: a pause, its circuit breaker, its pace.

Written by relays with the statements of `protocol/sql_channels.py`, and when staff pause or resume a channel.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ChannelState(models.Model):
    """One channel: whether somebody paused it, whether its provider is out of service, and when it may send next.

    A channel with several routes has a row for each of them, named `channel:route`. Its own row can still pause it as a
    whole, and says whether staff moved all of its messages to one route.
    """

    name = models.CharField(max_length=32)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, db_default="")
    pause_reason = models.CharField(max_length=200, blank=True, db_default="")
    failures = models.IntegerField(db_default=0, help_text=_("of the provider, since its last answer"))
    broken_at = models.DateTimeField(null=True, blank=True, help_text=_("since when its provider is out of service"))
    probes = models.IntegerField(db_default=0, help_text=_("that failed since then"))
    probe_at = models.DateTimeField(null=True, blank=True, help_text=_("when one message tests the provider again"))
    recovered_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(
        max_length=64, blank=True, db_default="", help_text=_("the code of its provider's last failure")
    )
    moved_to = models.CharField(
        max_length=32, blank=True, db_default="", help_text=_("the route that takes everything, by somebody's order")
    )
    moved_at = models.DateTimeField(null=True, blank=True)
    moved_by = models.CharField(max_length=150, blank=True, db_default="")
    move_reason = models.CharField(max_length=200, blank=True, db_default="")
    next_slot_at = models.DateTimeField(db_default=Now(), help_text=_("when a limited rate allows the next message"))

    class Meta:
        verbose_name = _("channel")
        permissions = [
            ("pause_channel", "Can pause and resume channels"),
            ("move_channel", "Can move a channel to one of its routes"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="channel_is_known_once"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[\w-]+(:[\w-]+)?$"), name="channel_name_is_its_own_or_a_routes"
            ),
            models.CheckConstraint(
                condition=Q(moved_to="", moved_at__isnull=True) | (~Q(moved_to="") & Q(moved_at__isnull=False)),
                name="channel_is_moved_at_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(broken_at__isnull=True, probe_at__isnull=True)
                | Q(broken_at__isnull=False, probe_at__isnull=False),
                name="channel_is_probed_while_broken",
            ),
        ]

    def __str__(self) -> str:
        return self.name
