"""The guard of deferrals, held against the rows in a step of its own: it locks nobody out while it reads them."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0018_deferrals_are_counted_apart")]

    operations = [
        ValidateConstraint(model_name="outboxmessage", name="message_deferrals_are_not_negative"),
    ]
