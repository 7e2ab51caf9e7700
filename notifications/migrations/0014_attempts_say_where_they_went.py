"""Attempts keep the address they went to. Earlier rows, and those of code that does not know it, have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0013_channels_keep_their_last_error")]

    operations = [
        migrations.AddField(
            model_name="deliveryattempt",
            name="address",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="where it went; empty where a lost relay made it",
                max_length=254,
            ),
        ),
    ]
