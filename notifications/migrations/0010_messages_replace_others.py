"""A message may take the place of one that waits under the same key."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("notifications", "0009_lanes_in_turn")]

    operations = [
        migrations.AddField(
            "outboxmessage",
            "replace_key",
            models.CharField(
                blank=True,
                db_default="",
                help_text="a newer one with the same key takes its place while it waits",
                max_length=200,
            ),
        ),
    ]
