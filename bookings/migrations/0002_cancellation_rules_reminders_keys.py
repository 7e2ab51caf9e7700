"""Cancellation rules, cancelled slots, reminders and idempotency keys: columns with defaults that the database keeps.

Quick under load: no table is rewritten, and the checks are not held against existing rows here.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="slot", options={"permissions": [("cancel_slot", "Can call off slots")]}
        ),
        migrations.AddField(
            model_name="booking",
            name="reminded_at",
            field=models.DateTimeField(blank=True, help_text="when its reminder was queued", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="idempotency_key",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="the client's own name for it, if it gave one",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="cancelled_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="when staff called it off", null=True
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="late_refund_percent",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="of the price, given back for a later cancellation"
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="no_refund_hours",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="cancelled less than this long before the start, nothing is given back",
            ),
        ),
        migrations.AlterField(
            model_name="slot",
            name="free_cancellation_hours",
            field=models.PositiveIntegerField(
                default=24,
                help_text="cancelled at least this long before the start, a booking is refunded in full",
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="reason",
            field=models.CharField(
                help_text="sold_out, order_already_paid, cancelled, slot_cancelled", max_length=32
            ),
        ),
        AddConstraintNotValid(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=Q(late_refund_percent__lte=100), name="slot_refunds_at_most_the_price"
            ),
        ),
        AddConstraintNotValid(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=Q(no_refund_hours__lte=F("free_cancellation_hours")), name="slot_refunds_less_with_time"
            ),
        ),
    ]
