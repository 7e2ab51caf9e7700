"""The permission to see links in messages: some open what is their reader's, without a login."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0029_web_releases_are_heard")]

    operations = [
        migrations.AlterModelOptions(
            name="outboxmessage",
            options={
                "permissions": [
                    ("replay_outboxmessage", "Can replay failed messages"),
                    ("cancel_outboxmessage", "Can cancel waiting messages"),
                    ("repeat_outboxmessage", "Can send a sent message again"),
                    ("preview_outboxmessage", "Can send previews to oneself"),
                    ("see_links_outboxmessage", "Can see the links in messages"),
                ]
            },
        ),
    ]
