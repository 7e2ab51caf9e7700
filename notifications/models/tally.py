"""Small tables of counts: what happened in each minute, and how much waited. They save counting millions of messages.

Written by relays with the statements of `protocol/sql_tally.py`; read by the board, `outbox_status` and `/metrics`.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from notifications.protocol.histogram import SIZE

# The share of a row that lies in the last 60 seconds, from 0 to 1.
PART_OF_LAST_MINUTE = """CASE WHEN counted_from >= now() - interval '1 minute' THEN 1.0
        WHEN counted_until <= now() - interval '1 minute' THEN 0.0
        ELSE extract(epoch FROM counted_until - now() + interval '1 minute')
             / extract(epoch FROM counted_until - counted_from) END::float8"""


def histogram_field(help_text: str) -> "ArrayField[list[int], list[int]]":
    """A histogram of `protocol.histogram`, all zero at first."""
    return ArrayField(models.BigIntegerField(), db_default=[0] * SIZE, help_text=help_text)


class Tally(models.Model):
    """What one relay did on one channel in one minute. Sums over all rows only rise.

    `relay_id` is 0 in rows that combine several minutes, and null for what staff withdrew or replayed.
    """

    minute = models.DateTimeField(
        help_text="when it began; older rows combine ten minutes, and the row of 1970 everything older"
    )
    channel = models.CharField(max_length=32)
    relay_id = models.IntegerField(null=True)
    counted_from = models.DateTimeField(db_default=Now())
    counted_until = models.DateTimeField(db_default=Now())

    sent = models.BigIntegerField(db_default=0)
    failed = models.BigIntegerField(db_default=0)
    expired = models.BigIntegerField(db_default=0)
    cancelled = models.BigIntegerField(db_default=0)
    replayed = models.BigIntegerField(db_default=0)

    accepted = models.BigIntegerField(db_default=0, help_text="attempts, by what they came to")
    transient = models.BigIntegerField(db_default=0)
    permanent = models.BigIntegerField(db_default=0)
    throttled = models.BigIntegerField(db_default=0)
    unknown = models.BigIntegerField(db_default=0)

    delay_seconds = models.FloatField(db_default=0, help_text="from publication to acceptance, the sum over all sent")
    duration_seconds = models.FloatField(db_default=0, help_text="of the attempts, summed up")
    delays = histogram_field("how many of the sent had which delay, by the buckets of histogram.py")
    durations = histogram_field("how many attempts lasted how long")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["minute", "channel", "relay_id"], name="tally_once_a_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} at {self.minute:%Y-%m-%d %H:%M}"


class Depth(models.Model):
    """How many messages were unfinished at the beginning of a minute, and how many lay in the dead letter."""

    minute = models.DateTimeField(primary_key=True)
    queued = models.IntegerField(help_text="behind an older message of their lane")
    later = models.IntegerField(help_text="at the head of their lane, and not due yet")
    due = models.IntegerField()
    sending = models.IntegerField()
    failed = models.IntegerField()

    def __str__(self) -> str:
        return f"depth at {self.minute:%Y-%m-%d %H:%M}"
