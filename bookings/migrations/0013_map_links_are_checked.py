"""Checks the map links that were there before."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0012_slots_have_places'),
    ]

    operations = [
        ValidateConstraint(model_name='slot', name='slot_map_url_is_a_link'),
    ]
