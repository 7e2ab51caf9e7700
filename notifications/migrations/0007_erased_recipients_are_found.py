"""The index of erased recipients, made while recipients are written to."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0006_people_can_be_forgotten")]

    operations = [
        AddIndexConcurrently(
            "recipient",
            models.Index(
                fields=["erased_at"], condition=models.Q(erased_at__isnull=False), name="recipient_erased"
            ),
        ),
    ]
