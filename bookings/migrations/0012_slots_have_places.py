"""Where a slot is, in whose time zone, whether it is published, and when a booking's people came. Nothing here reads a table."""

import bookings.business
import bookings.places
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0011_names_by_their_first_letters'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='booking',
            options={'permissions': [('cancel_booking', 'Can cancel bookings'), ('check_in', 'Can check bookings in')]},
        ),
        migrations.AlterModelOptions(
            name='slot',
            options={'permissions': [('cancel_slot', 'Can call off slots'), ('see_occupancy', 'Can see who comes to a slot')]},
        ),
        migrations.AddField(
            model_name='booking',
            name='checked_in_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='when its people came', null=True),
        ),
        migrations.AddField(
            model_name='slot',
            name='description',
            field=models.TextField(blank=True, db_default='', default='', max_length=2000),
        ),
        migrations.AddField(
            model_name='slot',
            name='is_published',
            field=models.BooleanField(db_default=True, default=True, help_text='hidden ones are not shown, and cannot be booked', verbose_name='published'),
        ),
        migrations.AddField(
            model_name='slot',
            name='map_url',
            field=models.CharField(blank=True, db_default='', default='', help_text='https://…', max_length=500, validators=[bookings.places.check_web_address], verbose_name='map link'),
        ),
        migrations.AddField(
            model_name='slot',
            name='place',
            field=models.CharField(blank=True, db_default='', default='', help_text='an address', max_length=200),
        ),
        migrations.AddField(
            model_name='slot',
            name='time_zone',
            field=models.CharField(blank=True, db_default='', default='', help_text="of the place, as in Europe/Berlin; empty: the business's", max_length=64, validators=[bookings.places.check_time_zone]),
        ),
        migrations.AlterField(
            model_name='slot',
            name='currency',
            field=models.CharField(default=bookings.business.default_currency, help_text='ISO 4217', max_length=3),
        ),
        AddConstraintNotValid(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('map_url', ''), ('map_url__regex', '^https?://[^[:space:]\\"\'<>\\\\]+$'), _connector='OR'), name='slot_map_url_is_a_link', violation_error_message='A link must begin with https:// or http://, and hold no spaces or quotes.'),
        ),
    ]
