"""What a bulk replay does to its messages: it may cancel them. Code that does not know it goes on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0016_kinds_name_their_lanes")]

    operations = [
        migrations.AddField(
            model_name="bulkreplay",
            name="action",
            field=models.CharField(db_default="replay", help_text="replay or cancel", max_length=16),
        ),
        migrations.AlterField(
            model_name="bulkreplay",
            name="filters",
            field=models.JSONField(help_text="which messages: the fields of a Selection"),
        ),
        migrations.AlterField(
            model_name="bulkreplay",
            name="as_of",
            field=models.DateTimeField(help_text="what failed or was written later is left alone"),
        ),
        migrations.AddConstraint(
            model_name="bulkreplay",
            constraint=models.CheckConstraint(
                condition=models.Q(action__in=["replay", "cancel"]), name="bulk_action_is_known"
            ),
        ),
    ]
