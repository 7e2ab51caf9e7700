"""Messages may be published for a moment: `send_at`, and the place in the lane that it gives them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("notifications", "0007_erased_recipients_are_found")]

    operations = [
        migrations.AddField(
            "outboxmessage",
            "send_at",
            models.DateTimeField(help_text="when it was to be sent, if not at once", null=True),
        ),
        migrations.AddField(
            "outboxmessage",
            "place",
            models.BigIntegerField(
                help_text="of a message with send_at: before which ID it stands in its lane, once it was due", null=True
            ),
        ),
    ]
