"""A channel may have several routes. Code that does not know them goes on: it writes none, and reads none."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0030_links_in_messages_have_a_permission"),
    ]

    operations = [
        migrations.AddField(
            model_name='channelstate',
            name='move_reason',
            field=models.CharField(blank=True, db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='channelstate',
            name='moved_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='channelstate',
            name='moved_by',
            field=models.CharField(blank=True, db_default='', max_length=150),
        ),
        migrations.AddField(
            model_name='channelstate',
            name='moved_to',
            field=models.CharField(blank=True, db_default='', help_text="the route that takes everything, by somebody's order", max_length=32),
        ),
        migrations.AddField(
            model_name='deliveryattempt',
            name='route',
            field=models.CharField(blank=True, db_default='', help_text='over which it went; empty: the channel had only one', max_length=32),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='route',
            field=models.CharField(blank=True, db_default='', help_text='over which it went last, or is going; empty: its channel has only one', max_length=32),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='routes_tried',
            field=models.TextField(blank=True, db_default='', help_text='routes that refused it; those with ! need not be tried again'),
        ),
        AddConstraintNotValid(
            model_name='channelstate',
            constraint=models.CheckConstraint(condition=models.Q(('name__regex', '^[\\w-]+(:[\\w-]+)?$')), name='channel_name_is_its_own_or_a_routes'),
        ),
        AddConstraintNotValid(
            model_name='channelstate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('moved_at__isnull', True), ('moved_to', '')), models.Q(models.Q(('moved_to', ''), _negated=True), ('moved_at__isnull', False)), _connector='OR'), name='channel_is_moved_at_a_moment'),
        ),
    ]
