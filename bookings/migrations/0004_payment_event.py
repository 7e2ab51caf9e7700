"""Events told by webhooks, and when an unpaid order is looked at next. Quick under load: no table is rewritten."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("bookings", "0003_indexes_for_keys_and_reminders")]

    operations = [
        migrations.CreateModel(
            name="PaymentEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(max_length=32)),
                ("event_id", models.CharField(max_length=100)),
                ("kind", models.CharField(help_text="paid or failed", max_length=16)),
                ("received_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("gateway", "event_id"), name="payment_event_is_handled_once")
                ]
            },
        ),
        migrations.AddField(
            model_name="order",
            name="sweep_at",
            field=models.DateTimeField(
                db_default=Now(),
                editable=False,
                help_text="while unpaid: when the gateway is next asked whether it was paid; empty: not any more",
                null=True,
            ),
        ),
    ]
