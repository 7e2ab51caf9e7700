"""The index of what waits in a lane, in the order in which it goes. The new one stands before the old one is gone."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0008_messages_for_a_moment")]

    operations = [
        AddIndexConcurrently(
            "outboxmessage",
            models.Index(
                "recipient",
                "lane",
                Coalesce("place", "id"),
                "send_at",
                "id",
                condition=models.Q(status="queued"),
                name="message_turn_in_lane",
            ),
        ),
        RemoveIndexConcurrently("outboxmessage", "message_next_in_lane"),
    ]
