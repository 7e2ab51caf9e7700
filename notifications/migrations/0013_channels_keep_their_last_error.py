"""The code of a provider's last failure, kept with its channel. Code that does not know it goes on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0012_the_clock")]

    operations = [
        migrations.AddField(
            model_name="channelstate",
            name="last_error",
            field=models.CharField(
                blank=True, db_default="", help_text="the code of its provider's last failure", max_length=64
            ),
        ),
    ]
