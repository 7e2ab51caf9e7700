"""The permission to move a channel to one of its routes, and the index that finds the latest sends over a route."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0032_routes_keep_their_rules")]

    operations = [
        migrations.AlterModelOptions(
            name="channelstate",
            options={
                "permissions": [
                    ("pause_channel", "Can pause and resume channels"),
                    ("move_channel", "Can move a channel to one of its routes"),
                ],
                "verbose_name": "channel",
            },
        ),
        AddIndexConcurrently(
            "deliveryattempt",
            models.Index(
                fields=["route", "ended_at"],
                condition=~models.Q(route="") & models.Q(answer="accepted"),
                name="attempt_accepted_over_route",
            ),
        ),
    ]
