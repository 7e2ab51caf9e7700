"""Adds to orders when their customers were last told that a payment failed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0004_bookings_know_their_start'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='failure_told_at',
            field=models.DateTimeField(editable=False, help_text='when its customer was last told that a payment failed', null=True),
        ),
    ]
