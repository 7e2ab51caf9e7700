"""Which releases web processes run, for the alert about relays of another one."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("notifications", "0028_rows_of_every_list_in_batches")]

    operations = [
        migrations.CreateModel(
            name="WebRelease",
            fields=[
                ("release", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("first_seen_at", models.DateTimeField(db_default=Now())),
                ("seen_at", models.DateTimeField(db_default=Now())),
            ],
        ),
    ]
