"""The table of the clock's jobs. Code that does not know it goes on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0011_one_waits_per_key")]

    operations = [
        migrations.CreateModel(
            name="ClockJob",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "running_until",
                    models.DateTimeField(
                        help_text="until then no other process runs it; null: it is free", null=True
                    ),
                ),
                (
                    "error",
                    models.CharField(
                        db_default="", help_text="the type of what its last run raised", max_length=64
                    ),
                ),
                ("failures", models.IntegerField(db_default=0, help_text="in a row")),
            ],
        ),
    ]
