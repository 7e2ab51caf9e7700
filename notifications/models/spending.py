"""The tables of money: what messages cost, by day, route and country, and how much of each day's cap is taken.

Written with the statements of `protocol/sql_spending.py`; read by `selectors/spending_report.py`. Days are those of
UTC, amounts in units of their currency (ISO 4217), not in its minor units: an SMS costs less than a cent.
"""

from django.db import models


class Spending(models.Model):
    """What one relay's messages cost in one day, or what one price that a provider told changed. Rows are added up.

    `relay_id` is 0 in rows that combine several, and null for what no relay wrote: these are combined every minute.
    """

    day = models.DateField(help_text="UTC")
    channel = models.CharField(max_length=32)
    route = models.CharField(max_length=32, blank=True, help_text="empty: the channel had only one, without a price")
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166-1 alpha-2; empty: not known, or no phone number"
    )
    currency = models.CharField(max_length=3)
    relay_id = models.IntegerField(null=True)

    estimates = models.BigIntegerField(db_default=0, help_text="copies whose price no provider has told")
    estimated = models.DecimalField(
        max_digits=20, decimal_places=6, db_default=0, help_text="their cost by their routes' prices"
    )
    priced = models.BigIntegerField(db_default=0, help_text="copies of which the provider told the price")
    cost = models.DecimalField(max_digits=20, decimal_places=6, db_default=0, help_text="of what is priced")

    class Meta:
        verbose_name_plural = "money"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "channel", "route", "country", "currency", "relay_id"], name="spending_once_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}:{self.route} on {self.day:%Y-%m-%d}"


class SpendAllowance(models.Model):
    """How much of a country's cap is taken on a day: what messages cost that were sent, or are about to be."""

    day = models.DateField(help_text="UTC")
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3)
    taken = models.DecimalField(max_digits=20, decimal_places=6, db_default=0)
    granted = models.DecimalField(max_digits=20, decimal_places=6, db_default=0, help_text="to who asked last")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "country", "currency"], name="spend_allowance_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.country} on {self.day:%Y-%m-%d}"
