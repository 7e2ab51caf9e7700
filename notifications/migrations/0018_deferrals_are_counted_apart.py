"""Answers of "later" are counted apart from failures. Code that does not know the column goes on: it has a default."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0017_many_are_cancelled_at_once")]

    operations = [
        migrations.AddField(model_name="outboxmessage", name="deferrals", field=models.IntegerField(db_default=0)),
        AddConstraintNotValid(
            model_name="outboxmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(deferrals__gte=0), name="message_deferrals_are_not_negative"
            ),
        ),
    ]
