"""The guards of channels' states, held against the rows in a step of its own: it locks nobody out while it reads them."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0031_channels_have_routes")]

    operations = [
        ValidateConstraint(model_name="channelstate", name="channel_name_is_its_own_or_a_routes"),
        ValidateConstraint(model_name="channelstate", name="channel_is_moved_at_a_moment"),
    ]
