"""The table of staff's notes about recipients, which are kept as they were written. Code that does not know it goes on."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


APPEND_ONLY = """
CREATE TRIGGER note_is_append_only BEFORE UPDATE OR DELETE ON notifications_note
    FOR EACH ROW EXECUTE FUNCTION notifications_keep_record();
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0020_messages_are_sent_again")]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=2000)),
                ("actor", models.CharField(help_text="a user's name as of then", max_length=150)),
                ("actor_id", models.BigIntegerField(help_text="the user's ID", null=True)),
                ("written_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="notifications.recipient",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(APPEND_ONLY, reverse_sql="DROP TRIGGER note_is_append_only ON notifications_note"),
    ]
