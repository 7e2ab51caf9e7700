"""Indexes of the record, made while it is written to."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0002_record_and_inbound")]

    operations = [
        AddIndexConcurrently("operatoraction", models.Index(fields=["acted_at"], name="action_by_moment")),
        AddIndexConcurrently("operatoraction", models.Index(fields=["action", "id"], name="action_by_verb")),
        AddIndexConcurrently("operatoraction", models.Index(fields=["actor", "id"], name="action_by_actor")),
        AddIndexConcurrently(
            "operatoraction",
            models.Index(fields=["subject", "id"], condition=~models.Q(subject=""), name="action_by_subject"),
        ),
    ]
