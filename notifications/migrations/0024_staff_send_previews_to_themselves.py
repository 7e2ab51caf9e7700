"""The permission to send previews to oneself."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0023_words_are_held")]

    operations = [
        migrations.AlterModelOptions(
            name="outboxmessage",
            options={
                "permissions": [
                    ("replay_outboxmessage", "Can replay failed messages"),
                    ("cancel_outboxmessage", "Can cancel waiting messages"),
                    ("repeat_outboxmessage", "Can send a sent message again"),
                    ("preview_outboxmessage", "Can send previews to oneself"),
                ]
            },
        ),
    ]
