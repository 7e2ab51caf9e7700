"""Reads the refunds that were there before, in a transaction of its own: nobody waits for it."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bookings", "0006_refunds_that_fail")]

    operations = [ValidateConstraint(model_name="refund", name="refund_has_succeeded_at_a_moment")]
