"""A message's lane may be that of its kind. The column is as it was: only what it says of itself has changed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0015_relays_say_their_release")]

    operations = [
        migrations.AlterField(
            model_name="outboxmessage",
            name="lane",
            field=models.CharField(
                blank=True, help_text="empty: the recipient's common one; else the kind's, the channel's, or both", max_length=32
            ),
        ),
    ]
