"""Refunds that a gateway goes on refusing end as failed. Nothing here reads the table while it is locked."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("bookings", "0005_orders_to_sweep")]

    operations = [
        migrations.AlterModelOptions(
            name="refund", options={"permissions": [("retry_refund", "Can start failed refunds again")]}
        ),
        migrations.AddField(
            model_name="refund",
            name="error",
            field=models.TextField(blank=True, db_default="", help_text="why the gateway refused it at the last try"),
        ),
        migrations.AddField(
            model_name="refund",
            name="refusals",
            field=models.PositiveIntegerField(default=0, db_default=0, help_text="how often the gateway refused it"),
        ),
        migrations.AlterField(
            model_name="refund",
            name="status",
            field=models.CharField(
                choices=[("requested", "Requested"), ("succeeded", "Succeeded"), ("failed", "Failed")],
                default="requested",
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint(model_name="refund", name="refund_has_succeeded_at_a_moment"),
        AddConstraintNotValid(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=Q(status__in=["requested", "failed"], succeeded_at__isnull=True)
                | Q(status="succeeded", succeeded_at__isnull=False),
                name="refund_has_succeeded_at_a_moment",
            ),
        ),
    ]
