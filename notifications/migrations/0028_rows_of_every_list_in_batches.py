"""What staff do to the rows of a list is a bulk action, too: its items are the rows, and what became of each."""

import django.db.models.deletion
from django.db import migrations, models

ITEM = "bulkitem"
# Undone, the old rule holds for new rows: those of lists are on record, and stay.
ALLOW_OTHERS = migrations.RunSQL(
    "ALTER TABLE notifications_bulkreplay DROP CONSTRAINT bulk_action_is_known",
    "ALTER TABLE notifications_bulkreplay ADD CONSTRAINT bulk_action_is_known"
    " CHECK (action IN ('replay', 'cancel')) NOT VALID",
    state_operations=[migrations.RemoveConstraint(model_name="bulkreplay", name="bulk_action_is_known")],
)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0027_locks_of_schemas")]

    operations = [
        migrations.CreateModel(
            name="BulkItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row", models.BigIntegerField(help_text="the row's id in its own table")),
                (
                    "is_done",
                    models.BooleanField(
                        help_text="false: it was passed over; unknown: its turn has not come", null=True
                    ),
                ),
                ("said", models.CharField(blank=True, help_text="what became of it", max_length=300)),
                (
                    "bulk",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="notifications.bulkreplay",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("is_done", None)), fields=["bulk", "row"], name="bulk_item_left"),
                    models.Index(
                        condition=models.Q(("is_done", False)), fields=["bulk", "row"], name="bulk_item_passed_over"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("bulk", "row"), name="bulk_item_is_of_one_row")],
            },
        ),
        migrations.AlterModelOptions(
            name="bulkreplay", options={"verbose_name": "bulk action", "verbose_name_plural": "bulk actions"}
        ),
        ALLOW_OTHERS,
        migrations.AddConstraint(
            model_name="bulkreplay",
            constraint=models.CheckConstraint(
                condition=models.Q(("action", ""), _negated=True), name="bulk_action_is_named"
            ),
        ),
        migrations.AlterField(
            model_name="bulkreplay",
            name="action",
            field=models.CharField(
                db_default="replay", help_text="replay, cancel, or what is done to rows", max_length=16
            ),
        ),
        migrations.AlterField(
            model_name="bulkreplay",
            name="filters",
            field=models.JSONField(help_text="which messages: the fields of a Selection; of rows: which action"),
        ),
        migrations.AlterField(
            model_name="bulkreplay",
            name="replayed",
            field=models.IntegerField(db_default=0, help_text="how many are done"),
        ),
        migrations.AlterField(
            model_name="bulkreplay",
            name="total",
            field=models.IntegerField(help_text="what matched when it began"),
        ),
    ]
