"""The table of repeats, and the permission to make one. Code that does not know it goes on, and prunes messages."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0019_deferrals_are_not_negative")]

    operations = [
        migrations.AlterModelOptions(
            name="outboxmessage",
            options={
                "permissions": [
                    ("replay_outboxmessage", "Can replay failed messages"),
                    ("cancel_outboxmessage", "Can cancel waiting messages"),
                    ("repeat_outboxmessage", "Can send a sent message again"),
                ]
            },
        ),
        migrations.CreateModel(
            name="Repeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="repeat_of",
                        to="notifications.outboxmessage",
                    ),
                ),
                (
                    "original",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="repeats",
                        to="notifications.outboxmessage",
                    ),
                ),
            ],
        ),
    ]
