"""What a deploy brings in the middle of a campaign: a column that nothing reads, on the busiest table."""

from django.db import migrations

ADD = "ALTER TABLE notifications_outboxmessage ADD COLUMN chaos_release integer NOT NULL DEFAULT 0"
DROP = "ALTER TABLE notifications_outboxmessage DROP COLUMN chaos_release"


class Migration(migrations.Migration):
    dependencies = [("chaos", "0001_initial")]
    operations = [migrations.RunSQL(ADD, DROP)]
