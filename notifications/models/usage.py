"""The table of usage: what was sent each month, of which kind, on which channel, to which country, and its price.

Counters, so that a report of years reads some hundred rows and no message. Written with the statements of
`protocol/sql_usage.py`; read by `selectors/usage_report.py`.
"""

from django.db import models

from notifications.models.tally import histogram_field


class Usage(models.Model):
    """What one relay sent in one month (UTC), or what one receipt, price or opt-out added. Rows are to be added up.

    `relay_id` is 0 in rows that combine several, and null for what no relay wrote: these are combined every minute.
    """

    month = models.DateField(help_text="its first day, UTC")
    kind = models.CharField(max_length=64, help_text="empty: of opt-outs, which belong to no message")
    channel = models.CharField(max_length=32)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2; empty: not known, or no phone number")
    currency = models.CharField(max_length=3, db_default="", help_text="ISO 4217, of `cost`; empty where that is 0")
    relay_id = models.IntegerField(null=True)

    sent = models.BigIntegerField(db_default=0)
    failed = models.BigIntegerField(db_default=0, help_text="each time that a message came to the dead letter")
    delivered = models.BigIntegerField(db_default=0, help_text="accepted copies that arrived, as the provider says")
    undelivered = models.BigIntegerField(db_default=0, help_text="accepted copies that the provider gave up")
    priced = models.BigIntegerField(db_default=0, help_text="accepted copies of which the provider told the price")
    segments = models.BigIntegerField(db_default=0, help_text="of what is priced, as the provider counted them")
    cost = models.DecimalField(max_digits=20, decimal_places=6, db_default=0, help_text="of what is priced")
    opt_outs = models.BigIntegerField(db_default=0)

    delay_seconds = models.FloatField(db_default=0, help_text="from publication to acceptance, the sum over all sent")
    delivery_seconds = models.FloatField(db_default=0, help_text="from acceptance to delivery, the sum over all timed")
    delays = histogram_field("how many of the sent had which delay, by the buckets of histogram.py")
    deliveries = histogram_field("how many took how long from acceptance until a callback told of their delivery")

    class Meta:
        verbose_name_plural = "usage and cost"
        constraints = [
            models.UniqueConstraint(
                fields=["month", "kind", "channel", "country", "currency", "relay_id"], name="usage_once_a_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel} in {self.month:%Y-%m}"
