"""The guard of what waits under a key, made while messages are written."""

from django.db import migrations, models

NAME = "message_one_waits_per_key"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0010_messages_replace_others")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"CREATE UNIQUE INDEX CONCURRENTLY {NAME} "
                    "ON notifications_outboxmessage (recipient_id, channel, replace_key) "
                    "WHERE claim_number = 0 AND status IN ('queued', 'pending') AND replace_key <> ''",
                    reverse_sql=f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    "outboxmessage",
                    models.UniqueConstraint(
                        fields=["recipient", "channel", "replace_key"],
                        condition=models.Q(claim_number=0, status__in=("queued", "pending"))
                        & ~models.Q(replace_key=""),
                        name=NAME,
                    ),
                )
            ],
        ),
    ]
