"""The index that finds email addresses by their first letters, made while recipients are written to."""

from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0024_staff_send_previews_to_themselves")]

    operations = [
        AddIndexConcurrently(
            "recipient",
            models.Index(
                OpClass(Upper("email"), "text_pattern_ops"),
                condition=~models.Q(email=""),
                name="recipient_email_begins",
            ),
        ),
    ]
