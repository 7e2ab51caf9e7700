"""The long part of 0002, without long locks: indexes made concurrently, existing rows checked.

A conditional unique constraint is a unique index to PostgreSQL; Django alone cannot make it concurrently.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

UNIQUE_KEY = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idempotency_key_is_one_order
ON bookings_order (user_id, idempotency_key) WHERE NOT (idempotency_key = '')
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("bookings", "0002_cancellation_rules_reminders_keys")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(UNIQUE_KEY, "DROP INDEX CONCURRENTLY IF EXISTS idempotency_key_is_one_order")
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="order",
                    constraint=models.UniqueConstraint(
                        condition=~Q(idempotency_key=""),
                        fields=("user", "idempotency_key"),
                        name="idempotency_key_is_one_order",
                    ),
                ),
            ],
        ),
        AddIndexConcurrently(
            model_name="booking",
            index=models.Index(
                condition=Q(status="confirmed", reminded_at__isnull=True), fields=["slot"], name="booking_to_remind"
            ),
        ),
        ValidateConstraint(model_name="slot", name="slot_refunds_at_most_the_price"),
        ValidateConstraint(model_name="slot", name="slot_refunds_less_with_time"),
    ]
