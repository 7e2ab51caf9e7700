"""The index by which the sweep finds its orders, made without a lock on them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("bookings", "0004_payment_event")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=Q(status__in=["open", "lapsed"]), fields=["sweep_at"], name="order_to_sweep"
            ),
        ),
    ]
